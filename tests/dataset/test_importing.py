"""Datasets of other projects: D4RL's HDF5 files, new and old."""

import h5py
import numpy as np
import pytest

from cds_bench.dataset import hdf5, importing
from cds_bench.errors import BenchError

LENGTHS = (4, 3, 5)  # the first episode ends, the others are cut


@pytest.fixture
def columns():
    """Three episodes of D4RL's columns, in its types."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(length + 1, 3)).astype(np.float32) for length in LENGTHS]
    rows, ends = sum(LENGTHS), np.cumsum(LENGTHS) - 1
    terminals, timeouts = np.zeros(rows, bool), np.zeros(rows, bool)
    terminals[ends[0]], timeouts[ends[1:]] = True, True
    return {
        "observations": np.concatenate([part[:-1] for part in parts]),
        "next_observations": np.concatenate([part[1:] for part in parts]),
        "actions": rng.uniform(-1, 1, (rows, 2)).astype(np.float32),
        "rewards": rng.normal(size=rows).astype(np.float32),
        "terminals": terminals,
        "timeouts": timeouts,
        "infos/speed": rng.normal(size=rows),
        "infos/qpos": rng.normal(size=(rows, 3)),
    }


@pytest.fixture
def stored(tmp_path):
    """`stored(columns)` writes an HDF5 file."""

    def write(columns):
        path = tmp_path / "data.hdf5"
        with h5py.File(path, "w") as file:
            for key, column in columns.items():
                file[key] = column
        return path

    return write


def test_a_d4rl_file_keeps_its_rows(columns, stored):
    found, rough = importing.read(stored(columns))
    assert rough, "its rewards are float32"
    assert set(found) == set(columns) - {"infos/qpos"}, "infos are single numbers"
    assert found["rewards"].dtype == np.float64
    for key, column in found.items():
        np.testing.assert_array_equal(column, columns[key])


def test_arrays_of_other_files_are_refused(columns, stored, tmp_path):
    path = stored(columns)
    with h5py.File(path, "a") as file, h5py.File(tmp_path / "other.hdf5", "w") as other:
        other["rewards"] = columns["rewards"]
        del file["rewards"]
        file["rewards"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "rewards")
    with pytest.raises(BenchError, match=r"data\.hdf5: .*key 'rewards' is a link to another place"):
        importing.read(path)


def test_rows_of_shape_n_1_and_integers_are_understood(columns, stored):
    changed = columns | {"rewards": columns["rewards"][:, None]}
    changed["terminals"] = columns["terminals"].astype(np.uint8)
    found, _ = importing.read(stored(changed))
    np.testing.assert_array_equal(found["rewards"], columns["rewards"])
    np.testing.assert_array_equal(found["terminals"], columns["terminals"])


def test_without_timeouts_episodes_end_where_observations_jump(columns, stored):
    del columns["timeouts"]
    found, _ = importing.read(stored(columns))
    ends = np.flatnonzero(found["terminals"] | found["timeouts"]) + 1
    assert ends.tolist() == np.cumsum(LENGTHS).tolist()


def test_without_next_observations_they_are_the_next_rows(columns, stored):
    """Cut episodes lose their last row, as in d4rl; the episode that ended keeps it."""
    whole = dict(columns)
    del columns["next_observations"]
    found, _ = importing.read(stored(columns))
    ends = np.flatnonzero(found["terminals"] | found["timeouts"]) + 1
    assert ends.tolist() == np.cumsum([4, 2, 4]).tolist()
    kept = ~whole["timeouts"]
    np.testing.assert_array_equal(found["actions"], whole["actions"][kept])
    inside = ~found["terminals"]
    np.testing.assert_array_equal(
        found["next_observations"][inside], whole["next_observations"][kept][inside]
    )
    last = np.flatnonzero(found["terminals"])
    np.testing.assert_array_equal(found["next_observations"][last], found["observations"][last])


def test_a_row_is_no_timeout_if_it_is_terminal_and_the_last_is_an_end(columns, stored):
    columns["timeouts"][3] = True
    columns["timeouts"][-1] = False
    found, _ = importing.read(stored(columns))
    assert not found["timeouts"][3]
    assert found["timeouts"][-1]


def test_the_first_transitions_end_with_a_cut(columns, stored):
    found = importing.first(importing.read(stored(columns))[0], 6)
    assert len(found["rewards"]) == 6
    assert found["timeouts"].tolist() == [False] * 5 + [True]
    assert not importing.first(found, 4)["timeouts"].any(), "its last row is terminal"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("rewards"), "key 'rewards' is missing"),
        (lambda c: c.update(actions=c["actions"][:5]), "different or no lengths"),
        (
            lambda c: c.update(observations=c["observations"][:, 0]),
            r"observations has shape \(12,\)",
        ),
        (lambda c: c["observations"].__setitem__((7, 0), np.nan), r"NaN \(first at row 7\)"),
        (
            lambda c: [c.pop(key) for key in ("timeouts", "next_observations")],
            "'timeouts' and 'next_observations' are missing",
        ),
        (
            lambda c: [c.pop("timeouts"), c.update(next_observations=c["actions"])],
            r"a row of next_observations has shape \(2,\), but one of observations has \(3,\)",
        ),
        (
            lambda c: c.update(next_observations=c["actions"]),
            r"a row of next_observations has shape \(2,\), but one of observations has \(3,\)",
        ),
        (
            lambda c: [c.pop("timeouts"), c.update(observations=c["rewards"])],
            r"observations has shape \(12,\) and type float32, expected \[N, W\] with W > 0, or",
        ),
        (
            lambda c: c.update(observations=np.zeros((12, 8, 8, 3), np.float32)),
            r"observations has shape .* type float32, expected .* or uint8 \[N, height, width",
        ),
        (lambda c: c.update(actions=np.zeros((12, 0))), r"actions has shape \(12, 0\)"),
        (
            lambda c: c.update(rewards=np.array([b"one"] * 12)),
            r"rewards has type \|S3, expected numbers",
        ),
        (lambda c: c.update(rewards=["one"] * 12), "rewards has type object, expected numbers"),
        (
            lambda c: c.update(terminals=np.full(12, 0.2)),
            r"12 terminals are neither 0 nor 1 \(first at row 0\)",
        ),
        (
            lambda c: c.update(timeouts=2 * c["timeouts"].astype(int)),
            r"2 timeouts are neither 0 nor 1 \(first at row 6\)",
        ),
        (lambda c: c["rewards"].__setitem__(0, np.inf), "1 row of rewards is infinite"),
        (
            lambda c: [
                c.pop("next_observations"),
                c.update(terminals=np.zeros(12, bool), timeouts=np.ones(12, bool)),
            ],
            "no row's next observation is known",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_named(columns, stored, change, message):
    change(columns)
    with pytest.raises(BenchError, match=rf"data\.hdf5: .*{message}"):
        importing.read(stored(columns))


def test_compressed_files_are_read(columns, tmp_path):
    """Even those in which a column is larger than the file."""
    columns["observations"][:] = 0.0
    columns = {key: np.concatenate([column] * 1000) for key, column in columns.items()}
    with h5py.File(tmp_path / "small.hdf5", "w") as file:
        for key in ("observations", "rewards", "actions", "terminals", "timeouts"):
            file.create_dataset(key, data=np.zeros_like(columns[key]), compression="gzip")
        assert file["observations"].nbytes > (tmp_path / "small.hdf5").stat().st_size
    found, _ = importing.read(tmp_path / "small.hdf5")
    assert len(found["rewards"]) == 12_000 - 1


def test_a_path_without_a_dataset_is_named(tmp_path):
    with pytest.raises(BenchError, match="nothing: no such file or folder"):
        importing.read(tmp_path / "nothing")
    (tmp_path / "text").write_text("no HDF5")
    with pytest.raises(BenchError, match="text: not a readable HDF5 file"):
        importing.read(tmp_path / "text")
    with pytest.raises(BenchError, match="not a readable Minari dataset"):
        importing.read(tmp_path)


def test_converting_writes_what_it_read(columns, stored, tmp_path):
    text = importing.convert(str(stored(columns)), tmp_path / "out.hdf5")
    assert "12 transitions in 3 episodes" in text
    first, second = importing.read(stored(columns))[0], importing.read(tmp_path / "out.hdf5")[0]
    assert list(first) == list(second)
    for key in first:
        assert first[key].tobytes() == second[key].tobytes()


@pytest.fixture
def seen_columns(columns):
    """Pictures instead of the vectors, and the last one of each episode."""
    pictures = np.random.default_rng(1).integers(0, 256, (12, 8, 8, 3), np.uint8)
    del columns["next_observations"]
    return columns | {"observations": pictures, "final_observations": pictures[:3]}


def test_pictures_are_read_with_the_last_one_of_each_episode(seen_columns, stored):
    found, _ = importing.read(stored(seen_columns))
    assert set(found) == set(seen_columns) - {"infos/qpos"}
    for key in ("observations", "final_observations"):
        assert found[key].dtype == np.uint8
        np.testing.assert_array_equal(found[key], seen_columns[key])


def test_pictures_may_be_compressed_as_far_as_zlib_can(seen_columns, tmp_path):
    """A black picture is a thousandth of its size."""
    black = {"observations": np.zeros((600, 48, 48, 3), np.uint8)}
    black["final_observations"] = black["observations"][:1]
    for key in ("actions", "rewards", "terminals", "timeouts"):
        black[key] = np.zeros_like(
            np.resize(seen_columns[key], (600, *seen_columns[key].shape[1:]))
        )
    hdf5.write(tmp_path / "black.hdf5", black, {})
    assert black["observations"].nbytes > 100 * (tmp_path / "black.hdf5").stat().st_size
    assert not importing.read(tmp_path / "black.hdf5")[0]["observations"].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("timeouts"), "the keys 'timeouts' and 'final_observations' are expected"),
        (lambda c: c.pop("final_observations"), "observations are pictures, so the keys"),
        (
            lambda c: c.update(next_observations=c["observations"]),
            "and no 'next_observations'",
        ),
        (
            lambda c: c.update(final_observations=c["final_observations"][:2]),
            "final_observations has 2 rows, but there are 3 episodes",
        ),
        (
            lambda c: c.update(final_observations=c["final_observations"][:, :4]),
            r"a row of final_observations has shape \(4, 8, 3\), but one of observations has",
        ),
    ],
)
def test_what_is_wrong_with_pictures_is_named(seen_columns, stored, change, message):
    change(seen_columns)
    with pytest.raises(BenchError, match=rf"data\.hdf5: .*{message}"):
        importing.read(stored(seen_columns))


def test_nothing_is_overwritten(columns, stored, tmp_path):
    path = stored(columns)
    before = path.read_bytes()
    with pytest.raises(BenchError, match=r"data\.hdf5: is there already; delete it or"):
        importing.convert(str(path), path)
    assert path.read_bytes() == before


def test_what_is_left_out_is_said(columns, stored, tmp_path):
    columns |= {
        "infos/agent/id": np.arange(12), "infos/text": ["a"] * 12, "metadata/version": 2,
        "final_observations": np.zeros(3),
    }  # fmt: skip
    text = importing.convert(str(stored(columns)), tmp_path / "out.hdf5")
    assert "observations 3, actions 2, infos/speed; largest" in text
    assert text.endswith(
        "; left out: final_observations, infos/agent, infos/qpos, infos/text, metadata"
    )
    del columns["next_observations"]
    shorter = importing.convert(str(stored(columns)), tmp_path / "shorter.hdf5")
    assert shorter.endswith("metadata, the last rows of 2 cut episodes (no next observation)")
    again = importing.convert(str(tmp_path / "out.hdf5"), tmp_path / "again.hdf5")
    assert again.endswith("; left out: nothing")


def test_a_dataset_that_was_not_downloaded_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    message = r"hopper.medium-v0: no such folder; .*`minari download mujoco/hopper/medium-v0`"
    with pytest.raises(BenchError, match=message):
        importing.convert("minari:mujoco/hopper/medium-v0", tmp_path / "out.hdf5")
