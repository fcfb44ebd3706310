"""Datasets and pools of pictures: each picture is stored once; rows give the next one."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import envs
from cds_bench.behaviour.rollout import Behaviour, episode, uniform
from cds_bench.dataset.pool import load_pool, next_rows, pool_sha256, save_pool
from cds_bench.dataset.store import read_dataset, write_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from tests.dataset.conftest import SIZE, SUITE

TASK = "lift-milk"
PICTURE = (48, 48, 3)


def test_an_episode_keeps_each_picture_once():
    """In a replay, the picture after each step is the one in the next row."""
    env = envs.make(TASK)
    columns = episode(env, uniform(4), np.random.default_rng(3), limit=6)
    assert columns["observations"].shape == (6, *PICTURE)
    assert columns["observations"].dtype == columns["final_observations"].dtype == np.uint8
    assert "next_observations" not in columns
    actions, after = iter(columns["actions"]), []
    replayed = Behaviour(lambda rng: lambda observation, rng: next(actions))
    world_step = env.step
    env.step = lambda action: after.append(world_step(action)) or after[-1]
    episode(env, replayed, np.random.default_rng(3), limit=6)
    pictures = np.concatenate([columns["observations"], columns["final_observations"]])
    following = pictures[next_rows(columns["terminals"] | columns["timeouts"])]
    np.testing.assert_array_equal(following, [result[0] for result in after])
    env.close()


def test_next_rows_follow_within_an_episode_and_leave_it_at_its_end():
    ends = np.array([0, 0, 1, 1, 0, 1], bool)
    np.testing.assert_array_equal(next_rows(ends), [1, 2, 6, 7, 5, 8])


def test_files_hold_pictures_compressed(seen):
    path = paths.dataset(seen, SUITE, TASK)
    with h5py.File(path) as file:
        pictures = file["observations"]
        assert (pictures.shape, pictures.dtype) == ((SIZE, *PICTURE), np.uint8)
        assert pictures.chunks == (32, *PICTURE)
        assert pictures.compression == "gzip"
        assert "next_observations" not in file
        assert len(file["final_observations"]) == file.attrs["episodes"]
    assert path.stat().st_size < 0.3 * SIZE * np.prod(PICTURE)


def test_the_pool_has_every_datasets_pictures(seen):
    """Each transition has the pictures of its dataset and the recomputed rewards of all tasks."""
    pool, start = load_pool(paths.pool(seen, SUITE)), 0
    assert pool.pictures
    assert len(pool.observations) == len(pool.rewards) + pool.ends.sum()
    following = next_rows(pool.ends)
    for number, task in enumerate(pool.tasks):
        columns, _ = read_dataset(paths.dataset(seen, SUITE, task), SUITE, task)
        own = slice(start, start := start + SIZE)
        assert (pool.source[own] == number).all()
        ends = columns["terminals"] | columns["timeouts"]
        pictures = np.concatenate([columns["observations"], columns["final_observations"]])
        np.testing.assert_array_equal(pool.observations[own], columns["observations"])
        np.testing.assert_array_equal(pool.observations[following[own]], pictures[next_rows(ends)])
        np.testing.assert_array_equal(pool.rewards[own, number], columns["rewards"])
        for other, name in enumerate(pool.tasks):
            reward = envs.TASKS[name].reward(columns)
            np.testing.assert_array_equal(pool.rewards[own, other], reward)


def test_the_same_pictures_give_the_same_bytes(seen, tmp_path):
    path = paths.pool(seen, SUITE)
    pool = load_pool(path)
    save_pool(tmp_path / "again.hdf5", pool)
    assert (tmp_path / "again.hdf5").read_bytes() == path.read_bytes()
    brighter = replace(pool, observations=pool.observations ^ 1)
    assert save_pool(tmp_path / "other.hdf5", brighter).sha256 != pool.sha256
    assert pool_sha256(path) == pool.sha256


@pytest.mark.filterwarnings("ignore")
def test_d4rl_reads_a_dataset(seen):
    """d4rl drops time-outs and the last row; the next observation is that of the next row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D4RL_SUPPRESS_IMPORT_ERROR", "1")
        d4rl = pytest.importorskip("d4rl", exc_type=ImportError)
    with h5py.File(paths.dataset(seen, SUITE, TASK)) as file:
        ours = {key: file[key][()] for key in file if key != "infos"}
    theirs = d4rl.qlearning_dataset(None, dataset=ours)
    kept = ~ours["timeouts"]
    kept[-1] = False
    for key in ("observations", "actions", "terminals"):
        np.testing.assert_array_equal(theirs[key], ours[key][kept])
    inside = ~ours["terminals"][kept]
    rows = next_rows(ours["terminals"] | ours["timeouts"])[kept]
    np.testing.assert_array_equal(
        theirs["next_observations"][inside], ours["observations"][rows[inside]]
    )


# Bad input


def changed(columns: dict, **arrays) -> dict:
    return {key: value for key, value in (columns | arrays).items() if value is not None}


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("observations", lambda a: a.astype(np.float32), "observations has dtype float32.* uint8"),
        ("observations", lambda a: a[:, :32], r"observations has pictures of \(32, 48, 3\), exp.*"),
        ("observations", lambda a: a[..., 0], "observations has shape .*, expected 4 dimensions"),
        ("observations", lambda a: a[:-1], "has 55 rows, but observations has 54"),
        ("final_observations", lambda a: a[:, ::2], r"final_observations has pictures of \(24, "),
        ("final_observations", lambda a: a[:-1], r"final_observations has \d rows, but there are"),
        ("final_observations", lambda a: None, "key 'final_observations' is missing"),
    ],
)
def test_datasets_with_other_pictures_are_refused(seen, tmp_path, key, change, message):
    columns, attributes = read_dataset(paths.dataset(seen, SUITE, TASK), SUITE, TASK)
    with pytest.raises(BenchError, match=rf"other\.hdf5: .*{message}"):
        write_dataset(
            tmp_path / "other.hdf5", changed(columns, **{key: change(columns[key])}), attributes
        )
    assert not (tmp_path / "other.hdf5").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], "observations has .* pictures, expected .* rows and .* ends of epis"),
        (lambda a: a.astype(np.int64), "observations has dtype int64, expected uint8"),
    ],
)
def test_pools_with_other_pictures_are_refused(seen, tmp_path, change, message):
    pool = load_pool(paths.pool(seen, SUITE))
    with pytest.raises(BenchError, match=rf"other\.hdf5: {message}"):
        save_pool(tmp_path / "other.hdf5", replace(pool, observations=change(pool.observations)))


def test_a_truncated_store_is_named(seen, tmp_path):
    path = tmp_path / "cut.hdf5"
    whole = paths.pool(seen, SUITE).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BenchError, match=r"cut\.hdf5: not a readable HDF5 file.*built again"):
        load_pool(path)
