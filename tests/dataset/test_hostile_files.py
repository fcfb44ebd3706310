"""HDF5 files that declare, link to, or hold what ours never do; pools built in parts."""

import h5py
import numpy as np
import pytest

from cds_bench.dataset import hdf5, pool
from cds_bench.errors import BenchError


def external(file, tmp_path):
    raw = tmp_path / "raw.bin"
    raw.write_bytes(b"\0" * 80)
    file.create_dataset("x", (10,), "f8", external=[(str(raw), 0, 80)])


def virtual(file, tmp_path):
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.hdf5"), "x", (10,))
    file.create_virtual_dataset("x", layout)


def external_link(file, tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as other:
        other["x"] = np.arange(10.0)
    file["x"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "x")


def compressed_bomb(file, _):
    file.create_dataset("x", (10**9,), "f8", chunks=(10**6,), compression="gzip")


HOSTILE = {
    "external storage": (external, "key 'x' is stored outside of the file"),
    "a virtual array": (virtual, "key 'x' is stored outside of the file"),
    "an external link": (external_link, "key 'x' is a link to another place"),
    "a soft link": (
        lambda file, _: file.__setitem__("x", h5py.SoftLink("/y")),
        "key 'x' is a link to another place",
    ),
    "more than the file holds": (compressed_bomb, "key 'x' declares 8,000,000,000 bytes, but the"),
    "texts": (
        lambda file, _: file.create_dataset("x", data=["a"], dtype=h5py.string_dtype()),
        "key 'x' holds no numbers",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_are_not_ours(tmp_path, name):
    make, message = HOSTILE[name]
    path = tmp_path / "file.hdf5"
    with h5py.File(path, "w") as file:
        make(file, tmp_path)
    with pytest.raises(BenchError, match=message) as error:
        hdf5.read(path, "delete it", ["x"])
    assert str(error.value).startswith(f"{path}: ")


def test_keys_that_were_not_asked_for_are_not_read(tmp_path):
    path = tmp_path / "file.hdf5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(10.0)
        compressed = file.create_group("infos")
        compressed_bomb(compressed, tmp_path)
        file["y"] = h5py.ExternalLink("nowhere.hdf5", "y")
    columns, _ = hdf5.read(path, "delete it", ["x", "z", "x/y"])
    assert list(columns) == ["x"]


def test_places_where_no_file_is(tmp_path):
    loop = tmp_path / "loop.hdf5"
    loop.symlink_to(loop)
    for path in (tmp_path, loop):
        with pytest.raises(BenchError, match="not a readable HDF5 file"):
            hdf5.read(path, "delete it", ["x"])


def test_parts_are_the_whole(tmp_path):
    path, x = tmp_path / "file.hdf5", np.arange(20.0).reshape(10, 2)
    hdf5.write(path, {"x": x}, {})
    parts = [part["x"] for part in hdf5.parts(path, "delete it", ["x"], 3)]
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts), x)


@pytest.mark.parametrize("width", [1, 2, 7, 17, 64])
def test_statistics_made_in_parts_have_the_bits_of_numpys(monkeypatch, width):
    rng = np.random.default_rng(width)
    observations = (100 + rng.standard_normal((5000, width))).astype(np.float32)
    source = np.repeat([0, 1, 2], [1200, 800, 3000])
    monkeypatch.setattr(pool, "ROWS", 333)
    mean, scale = pool.statistics(observations, source)
    for task in range(3):
        own = observations[source == task].astype(np.float64)
        assert mean[task].tobytes() == own.mean(0).astype(np.float32).tobytes()
        assert scale[task].tobytes() == own.std(0).astype(np.float32).tobytes()
