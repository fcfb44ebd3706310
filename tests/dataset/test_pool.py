"""The pool file: its content, and the errors for a damaged file."""

import dataclasses
import subprocess
import sys

import h5py
import numpy as np
import pytest

from cds_bench.dataset.pool import Pool, load_pool, pool_sha256, save_pool, statistics
from cds_bench.errors import BenchError


@pytest.fixture
def pool():
    """Two tasks, six transitions, three observed numbers and two actions."""
    rng = np.random.default_rng(0)
    observations = rng.standard_normal((6, 3)).astype(np.float32)
    source = np.array([0, 0, 0, 0, 1, 1])
    mean, scale = statistics(observations, source)
    return Pool(
        suite="suite",
        domain="locomotion",
        tasks=("first", "second"),
        observations=observations,
        actions=rng.uniform(-1, 1, (6, 2)).astype(np.float32),
        next_observations=rng.standard_normal((6, 3)).astype(np.float32),
        rewards=rng.standard_normal((6, 2)).astype(np.float32),
        terminals=rng.integers(0, 2, (6, 2)).astype(np.float32),
        source=source,
        ends=np.array([False, True, False, True, False, True]),
        observation_mean=mean,
        observation_scale=scale,
    )


def test_round_trip(pool, tmp_path):
    saved = save_pool(tmp_path / "pool.hdf5", pool)
    loaded = load_pool(tmp_path / "pool.hdf5")
    for field in dataclasses.fields(Pool):
        expected, found = getattr(saved, field.name), getattr(loaded, field.name)
        np.testing.assert_array_equal(found, expected)
        if isinstance(expected, np.ndarray):
            assert found.dtype == expected.dtype
    assert loaded.tasks == ("first", "second")
    assert pool_sha256(tmp_path / "pool.hdf5") == loaded.sha256 == saved.sha256


def test_the_same_bytes_twice(pool, tmp_path):
    for name in "ab":
        save_pool(tmp_path / name, pool)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_hash_covers_names_and_arrays(pool, tmp_path):
    variants = [pool, dataclasses.replace(pool, tasks=("first", "third"))]
    variants.append(dataclasses.replace(pool, suite="other"))
    variants.append(dataclasses.replace(pool, rewards=pool.rewards + 1))
    variants.append(dataclasses.replace(pool, source=np.array([0, 0, 1, 1, 1, 1])))
    variants.append(dataclasses.replace(pool, ends=np.ones(6, bool)))
    hashes = {save_pool(tmp_path / "pool.hdf5", variant).sha256 for variant in variants}
    assert len(hashes) == len(variants)


def test_statistics_and_their_floor():
    observations = np.array([[1.0, 5.0], [3.0, 5.0], [0.0, 0.0], [8.0, 2.0]], np.float32)
    mean, scale = statistics(observations, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(mean, [[2.0, 5.0], [4.0, 1.0]])
    np.testing.assert_allclose(scale, [[1.0, 1e-3], [4.0, 1.0]])
    assert mean.dtype == scale.dtype == np.float32


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


DAMAGE = {
    "tampered": (set_rows("rewards", (2, 1), 5.0), "the pool is damaged: its hash is"),
    "name": (lambda file: file.attrs.__setitem__("suite", "other"), "the pool is damaged"),
    "NaN": (set_rows("rewards", 2, np.nan), r"1 row of rewards is NaN \(first at row 2\)"),
    "actions": (set_rows("actions", slice(1, 3), 2.0), r"2 actions are outside \[-1, 1\] .*row 1"),
    "terminals": (set_rows("terminals", 4, 0.5), r"terminals is neither 0 nor 1 \(first at row 4"),
    "source": (set_rows("source", 5, 2), r"source is not a task's index below 2 .*row 5"),
    "ends": (set_rows("ends", 3, False), r"ends is not set at the last row of a source task .*3"),
    "order": (set_rows("source", 1, 1), r"source is smaller than in the row before .*row 2"),
    "no rows of a task": (set_rows("source", [4, 5], 0), "source has no row of task 1"),
    "scale": (set_rows("observation_scale", 1, 0.0), "observation_scale is not positive"),
    "key": (lambda file: file.__delitem__("source"), "key 'source' is missing"),
    "dtype": (replace("rewards", lambda c: c.astype(np.float64)), "rewards has dtype float64"),
    "length": (replace("rewards", lambda c: c[:-1]), "rewards has 5 rows, but observations has 6"),
    "width": (
        replace("rewards", lambda c: c[:, :1]),
        r"rewards has shape \(6, 1\), expected 2 columns",
    ),
    "statistics": (
        replace("observation_mean", lambda c: c[:, :2]),
        "observation_mean has shape",
    ),
    "version": (lambda file: file.attrs.__setitem__("schema_version", 0), "'schema_version' is 0"),
    "tasks": (lambda file: file.attrs.__delitem__("tasks"), "attribute 'tasks' is missing"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(pool, tmp_path, name):
    damage, message = DAMAGE[name]
    path = tmp_path / "pool.hdf5"
    save_pool(path, pool)
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(BenchError, match=message) as error:
        load_pool(path)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).endswith("; delete the file to have it built again")


def test_a_truncated_or_missing_pool(pool, tmp_path):
    path = tmp_path / "pool.hdf5"
    for read in (load_pool, pool_sha256):
        with pytest.raises(BenchError, match="no such file; run the stage"):
            read(path)
    save_pool(path, pool)
    path.write_bytes(path.read_bytes()[:-100])
    for read in (load_pool, pool_sha256):
        with pytest.raises(BenchError, match="not a readable HDF5 file"):
            read(path)


def test_a_bad_pool_is_not_saved(pool, tmp_path):
    with pytest.raises(BenchError, match="actions are outside"):
        save_pool(tmp_path / "pool.hdf5", dataclasses.replace(pool, actions=pool.actions + 3))
    assert not (tmp_path / "pool.hdf5").exists()


def test_reading_a_pool_imports_no_environment():
    heavy = ("gymnasium", "mujoco", "torch", "envs.walker2d", "cds_bench.behaviour")
    code = "import sys, cds_bench.dataset.pool; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(heavy) & set(run.stdout.split())
