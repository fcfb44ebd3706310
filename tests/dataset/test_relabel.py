"""Relabelling and pooling a suite, and the manifest, which detects changed datasets."""

import shutil

import h5py
import numpy as np
import pytest

import envs
from cds_bench.dataset.manifest import write_manifest
from cds_bench.dataset.pool import load_pool, save_pool
from cds_bench.dataset.relabel import build_pool, pooled
from cds_bench.dataset.store import content_sha256, expected_columns, read_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, sha256, write_json

SUITE = "walker2d-mixed"
TASKS = envs.SUITES[SUITE].tasks


@pytest.fixture(scope="module")
def datasets(collected):
    return {
        task: read_dataset(paths.dataset(collected, SUITE, task), SUITE, task)[0] for task in TASKS
    }


@pytest.fixture
def config(collected, make_config, tmp_path):
    """A configuration with datasets that a test may damage."""
    copy = make_config(tmp_path)
    folder = paths.manifest(collected, SUITE).parent
    shutil.copytree(folder, paths.manifest(copy, SUITE).parent)
    return copy


@pytest.fixture
def pool(config):
    build_pool(config, SUITE)
    return load_pool(paths.pool(config, SUITE))


def test_the_source_tasks_reward_is_what_the_environment_returned(pool, datasets):
    for column, task in enumerate(TASKS):
        own = pool.source == column
        rewards, terminals = pool.rewards[own, column], pool.terminals[own, column]
        np.testing.assert_allclose(rewards, datasets[task]["rewards"], atol=1e-6, rtol=0)
        np.testing.assert_array_equal(terminals, datasets[task]["terminals"])


def test_rows_are_the_datasets_in_the_tasks_order(pool, datasets):
    assert pool.tasks == TASKS
    assert (pool.suite, pool.domain) == (SUITE, "locomotion")
    assert (np.diff(pool.source) >= 0).all()
    for key in ("observations", "actions", "next_observations"):
        expected = np.concatenate([datasets[task][key] for task in TASKS])
        np.testing.assert_array_equal(getattr(pool, key), expected)
    for task in range(len(TASKS)):
        own = pool.observations[pool.source == task].astype(np.float64)
        np.testing.assert_allclose(pool.observation_mean[task], own.mean(0), atol=1e-5)
        np.testing.assert_allclose(pool.observation_scale[task], own.std(0), rtol=1e-4)


def test_rewards_of_other_tasks_are_relabelled(pool, datasets):
    """On run-backward's data, run-forward's reward counts the velocity with the other sign."""
    backward = pool.source == TASKS.index("run-backward")
    data = datasets["run-backward"]
    cost = 1e-3 * np.square(data["actions"].astype(np.float64)).sum(1)
    expected = -(data["rewards"] + cost) - cost
    np.testing.assert_allclose(
        pool.rewards[backward, TASKS.index("run-forward")], expected, atol=1e-6
    )


def test_ends_are_the_datasets_terminals_and_timeouts(pool, datasets):
    expected = np.concatenate([d["terminals"] | d["timeouts"] for d in datasets.values()])
    np.testing.assert_array_equal(pool.ends, expected)
    chained = (pool.next_observations[:-1] == pool.observations[1:]).all(1)
    assert chained[~pool.ends[:-1]].all()


def test_the_manifest_describes_the_files(collected):
    manifest = read_json(paths.manifest(collected, SUITE))
    assert list(manifest["tasks"]) == sorted(TASKS)
    for task, entry in manifest["tasks"].items():
        path = paths.dataset(collected, SUITE, task)
        assert entry["sha256"] == sha256(path)
        assert entry["bytes"] == path.stat().st_size
        assert entry["transitions"] == collected.size(SUITE, task)
        assert entry["quality"] == envs.SUITES[SUITE].sources[task].quality
    assert {"gymnasium", "mujoco", "numpy", "h5py", "cds-bench"} <= manifest["versions"].keys()


def test_a_dataset_changed_after_the_manifest_is_refused(config):
    path = paths.dataset(config, SUITE, "jump")
    with h5py.File(path, "r+") as file:
        file.attrs["mean_return"] = 1e6
    with pytest.raises(BenchError, match=r"jump\.hdf5: SHA-256 is .* the file changed after"):
        build_pool(config, SUITE)
    assert not paths.pool(config, SUITE).exists()


def test_a_damaged_dataset_stops_manifest_and_pool(config):
    with h5py.File(paths.dataset(config, SUITE, "jump"), "r+") as file:
        file["rewards"][3] = np.nan
    for stage in (write_manifest, build_pool):
        with pytest.raises(BenchError, match=r"jump\.hdf5: 1 row of rewards is NaN"):
            stage(config, SUITE)


def test_a_dataset_of_another_size_is_refused(make_config, config):
    sizes = {"run-forward": 300, "run-backward": 250, "jump": 201}
    larger = make_config(config.results, suites={SUITE: {"sizes": sizes}})
    with pytest.raises(BenchError, match=r"jump\.hdf5: rewards has 200 rows.* says 201; delete"):
        write_manifest(larger, SUITE)


@pytest.mark.parametrize("content", [[], {}, {"tasks": {"run-forward": {}}}])
def test_an_unusable_manifest_is_refused(config, content):
    write_json(paths.manifest(config, SUITE), content)
    with pytest.raises(BenchError, match=r"manifest\.json: key 'tasks\.run-forward\.sha256'"):
        build_pool(config, SUITE)


def test_datasets_that_do_not_fit_together_are_refused(config, datasets):
    path = paths.dataset(config, SUITE, "jump")
    with h5py.File(path, "r+") as file:
        for key in ("observations", "next_observations"):
            del file[key]
            file[key] = datasets["jump"][key][:, :-1]
        stored = {key: file[key][()] for key in expected_columns("jump")}
        file.attrs["sha256"] = content_sha256(stored, dict(file.attrs))
    write_manifest(config, SUITE)
    with pytest.raises(BenchError, match=r"jump\.hdf5: observations has shape \(200, 16\)"):
        build_pool(config, SUITE)


def test_the_pool_does_not_depend_on_who_builds_it(pool, datasets, tmp_path):
    parts = [datasets[task] for task in TASKS]
    made = pooled(SUITE, parts, [len(part["rewards"]) for part in parts])
    again = save_pool(tmp_path / "again.hdf5", made)
    assert again.sha256 == pool.sha256
