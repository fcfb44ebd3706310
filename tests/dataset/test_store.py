"""Datasets on disk. Every malformed file gives an error with file, key and row."""

import resource
import shutil

import h5py
import numpy as np
import pytest

from cds_bench.dataset.store import read_dataset, write_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths

SUITE, TASK = "walker2d-mixed", "run-backward"


@pytest.fixture
def copy(collected, tmp_path):
    """A dataset that a test may damage."""
    return shutil.copy(paths.dataset(collected, SUITE, TASK), tmp_path / "run-backward.hdf5")


def set_rows(key, rows, value):
    def damage(file):
        file[key][rows] = value

    return damage


def replace(key, change):
    def damage(file):
        column = change(file[key][()])
        del file[key]
        file[key] = column

    return damage


def delete(key):
    def damage(file):
        del file[key]

    return damage


def set_attribute(key, value):
    def damage(file):
        if value is None:
            del file.attrs[key]
        else:
            file.attrs[key] = value

    return damage


def one_episode(file):
    """Makes one episode of 2000 rows, which is longer than the horizon."""
    rows = 2000
    for key in ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations"):
        column = np.zeros((rows, *file[key].shape[1:]), file[key].dtype)
        del file[key]
        file[key] = column
    for key, value in (("x_velocity", 0.0), ("height", 1.25), ("pitch", 0.0)):
        del file[f"infos/{key}"]
        file[f"infos/{key}"] = np.full(rows, value)
    file["timeouts"][-1] = True


def break_chain(file):
    row = int(np.flatnonzero(~(file["terminals"][()] | file["timeouts"][()]))[2])
    file["next_observations"][row, 3] += 0.5


def fall_twice(file):
    row = int(np.flatnonzero(file["terminals"][()])[0])
    file["timeouts"][row] = True


DAMAGE = {
    "NaN reward": (
        set_rows("rewards", [7, 9, 11], np.nan),
        r"3 rewards are NaN \(first at row 7\)",
    ),
    "one NaN": (set_rows("rewards", 7, np.nan), r"1 row of rewards is NaN \(first at row 7\)"),
    "infinite": (set_rows("observations", 5, np.inf), r"observations is infinite .*row 5"),
    "NaN info": (set_rows("infos/height", 3, np.nan), r"infos/height is NaN \(first at row 3\)"),
    "action bounds": (set_rows("actions", 4, 1.5), r"actions is outside \[-1, 1\] .*row 4"),
    "no key": (delete("timeouts"), r"key 'timeouts' is missing \(found: actions, "),
    "no info": (delete("infos/pitch"), "key 'infos/pitch' is missing"),
    "length": (
        replace("rewards", lambda c: c[:-1]),
        "rewards has 249 rows, but observations has 250",
    ),
    "no rows": (replace("observations", lambda c: c[:0]), "observations has no rows"),
    "shape": (
        replace("rewards", lambda c: c[:, None]),
        r"rewards has shape \(250, 1\), expected 1 d",
    ),
    "scalar": (replace("rewards", lambda c: c[0]), r"rewards has shape \(\), expected 1 d"),
    "width": (
        replace("next_observations", lambda c: c[:, :-1]),
        r"next_observations has shape \(250, 16\), but observations has \(250, 17\)",
    ),
    "dtype": (
        replace("actions", lambda c: c.astype(np.float64)),
        "actions has dtype float64, expected float32",
    ),
    "text": (replace("rewards", lambda c: [b"x"] * len(c)), "key .rewards. holds no numbers"),
    "empty": (replace("rewards", lambda c: h5py.Empty(c.dtype)), "key 'rewards' is missing"),
    "two ends": (fall_twice, r"both terminal and timeout \(first at row \d+\)"),
    "no end": (
        set_rows("timeouts", -1, False),
        r"last row \(249\) is neither terminal nor timeout",
    ),
    "horizon": (one_episode, r"has 2000 steps, but the horizon is 1000 \(first at row 0\)"),
    "chain": (break_chain, r"next_observations is not the observation of the next row .*row 2"),
    "reward": (set_rows("rewards", 8, 77.0), r"rewards is not what 'run-backward' recomputes"),
    "terminal": (set_rows("infos/height", 6, 0.1), r"terminals is not what .*row 6"),
    "version": (set_attribute("schema_version", 99), "'schema_version' is 99, expected 2"),
    "suite": (set_attribute("suite", "other"), "'suite' is 'other', expected 'walker2d-mixed'"),
    "task": (set_attribute("task", "jump"), "'task' is 'jump', expected 'run-backward'"),
    "quality": (set_attribute("quality", "expert"), "'quality' is 'expert', expected 'medium'"),
    "attribute": (set_attribute("behaviour", None), "attribute 'behaviour' is missing"),
    "array": (set_attribute("suite", [1, 2]), "attribute 'suite' is not a single value"),
    "JSON": (set_attribute("versions", "{"), "attribute 'versions' is not valid JSON"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(copy, name):
    damage, message = DAMAGE[name]
    with h5py.File(copy, "r+") as file:
        damage(file)
    with pytest.raises(BenchError, match=message) as error:
        read_dataset(copy, SUITE, TASK)
    assert str(error.value).startswith(f"{copy}: ")
    assert str(error.value).endswith("; delete the file to have it collected again")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(copy, share):
    whole = copy.read_bytes()
    copy.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BenchError, match=r"not a readable HDF5 file .*collected again"):
        read_dataset(copy, SUITE, TASK)


def test_a_missing_file_and_another_format(tmp_path):
    with pytest.raises(BenchError, match=r"none\.hdf5: no such file; run the stage"):
        read_dataset(tmp_path / "none.hdf5", SUITE, TASK)
    (tmp_path / "text.hdf5").write_text("observations, actions\n" * 100)
    with pytest.raises(BenchError, match="not a readable HDF5 file"):
        read_dataset(tmp_path / "text.hdf5", SUITE, TASK)


def test_round_trip_gives_the_same_bytes(copy, tmp_path):
    columns, attributes = read_dataset(copy, SUITE, TASK)
    write_dataset(tmp_path / "again.hdf5", columns, attributes)
    assert (tmp_path / "again.hdf5").read_bytes() == copy.read_bytes()


def test_a_dataset_that_could_not_be_read_is_not_written(copy, tmp_path):
    columns, attributes = read_dataset(copy, SUITE, TASK)
    columns["rewards"] = columns["rewards"] + 1.0
    with pytest.raises(BenchError, match="250 rewards are not what"):
        write_dataset(tmp_path / "bad.hdf5", columns, attributes)
    assert not (tmp_path / "bad.hdf5").exists()


def test_a_full_disk_leaves_no_file(copy, tmp_path):
    columns, attributes = read_dataset(copy, SUITE, TASK)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    (folder := tmp_path / "full").mkdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # Python ignores SIGXFSZ: EFBIG
    try:
        with pytest.raises(BenchError, match=r"full.hdf5: not written \(File too large\)"):
            write_dataset(folder / "full.hdf5", columns, attributes)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not list(folder.iterdir())
