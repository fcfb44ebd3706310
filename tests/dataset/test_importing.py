"""Datasets of other projects: D4RL's HDF5 files, new and old, and Minari's."""

import gymnasium
import h5py
import numpy as np
import pytest

from cds_bench.dataset import importing
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


@pytest.fixture
def minari_folder(tmp_path, monkeypatch):
    """`minari_folder(*episodes)` writes a Minari dataset; the arguments are those of a buffer."""
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    space = gymnasium.spaces.Box(-10, 10, (2,))

    def write(*episodes, space=space):
        buffers = [minari.data_collector.EpisodeBuffer(**episode) for episode in episodes]
        minari.create_dataset_from_buffers(
            "line/walk-v0", buffers, observation_space=space, action_space=space
        )
        return tmp_path / "line" / "walk-v0"

    return write


def walk(steps: int, **changes) -> dict:
    values = np.arange(2.0 * (steps + 1)).reshape(-1, 2)
    never = np.zeros(steps, bool)
    whole = {
        "observations": values, "actions": values[:-1] / 100, "rewards": values[:-1, 0],
        "terminations": never, "truncations": never,
        "infos": {"x": values[:, 1], "text": ["a"] * steps, "pair": values},
    }  # fmt: skip
    return whole | changes


@pytest.mark.filterwarnings("ignore:`:UserWarning", "ignore:env_spec:UserWarning")
def test_a_minari_dataset_has_infos_after_each_step_and_ends(minari_folder):
    last = np.array([False, False, True])
    found, rough = importing.read(minari_folder(walk(4), walk(3, terminations=last)))
    assert not rough
    assert set(found) == {
        "observations", "next_observations", "actions", "rewards", "terminals", "timeouts",
        "infos/x",
    }  # fmt: skip
    assert found["observations"].dtype == np.float32
    np.testing.assert_array_equal(found["infos/x"], found["next_observations"][:, 1])
    assert found["timeouts"].tolist() == [False, False, False, True, False, False, False]
    assert found["terminals"].tolist() == [False] * 6 + [True]


@pytest.mark.filterwarnings("ignore:`:UserWarning", "ignore:env_spec:UserWarning")
def test_a_minari_dataset_of_dictionaries_is_refused(minari_folder):
    values = walk(3)["observations"]
    space = gymnasium.spaces.Dict({"x": gymnasium.spaces.Box(-10, 10, (2,))})
    folder = minari_folder(walk(3, observations={"x": values}, actions={"x": values}), space=space)
    with pytest.raises(BenchError, match=r"walk-v0: episode 0: observations are no vectors"):
        importing.read(folder)


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
