"""Data of a point maze, from the references to the pool, with every goal's rewards."""

import numpy as np
import pytest

import envs
from cds_bench.behaviour.references import write_references
from cds_bench.config import parse
from cds_bench.dataset.collect import collect
from cds_bench.dataset.manifest import write_manifest
from cds_bench.dataset.pool import load_pool
from cds_bench.dataset.relabel import build_pool
from cds_bench.dataset.store import episodes, read_dataset
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.files import read_json
from cds_bench.storage.reference_scores import read_references
from envs import navigation
from envs.navigation import PLACES

SUITES = ("pointmaze-medium-directed", "pointmaze-medium-undirected")
TASKS = envs.SUITES[SUITES[0]].tasks
ROWS = dict(zip(TASKS, (400, 300, 350), strict=True))


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Both suites of the medium maze, collected, checked and pooled."""
    config = parse(
        {
            "results": str(tmp_path_factory.mktemp("mazes")),
            "suites": {suite: {"sizes": ROWS} for suite in SUITES},
            "datasets": {"reference_episodes": 3, "bands": {"undirected": [0, 1]}},
        },
        "test",
    )
    for task in TASKS:
        write_references(config, task)
        for suite in SUITES:
            collect(config, suite, task)
    for suite in SUITES:
        write_manifest(config, suite)
        build_pool(config, suite)
    return config


def read(config, suite, task):
    return read_dataset(paths.dataset(config, suite, task), suite, task)


def test_references_are_success_rates_from_the_corner(config):
    for task in TASKS:
        found = read_references(config, task)
        assert found["metric"] == "success"
        assert found["random"]["mean"] < found["expert"]["mean"] == 1.0
        assert found["behaviour"]["quality"] == "directed"
        assert found["behaviour"]["policy"]["noise"] == 0.2
        assert found["expert"]["policy"]["noise"] == 0.0
        assert found["expert"]["policy"]["goals"] == [list(PLACES[task].goal)]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("task", TASKS)
def test_a_dataset_is_scored_by_success(config, suite, task):
    columns, attributes = read(config, suite, task)
    assert len(columns["rewards"]) == ROWS[task]
    assert attributes["metric"] == "success"
    starts, lengths = episodes(columns)
    ended = columns["terminals"][starts + lengths - 1]
    np.testing.assert_array_equal(np.add.reduceat(columns["rewards"], starts), ended)
    if ended.any():  # otherwise the dataset's end cut every episode
        assert attributes["mean_score"] == attributes["normalized_score"] == 1.0
    (behaviour,) = attributes["behaviour"]
    heads_for = navigation.goals("medium") if "undirected" in suite else [PLACES[task].goal]
    assert behaviour["goals"] == list(map(list, heads_for))
    assert behaviour["transitions"] == ROWS[task]
    entry = read_json(paths.manifest(config, suite))["tasks"][task]
    assert (entry["metric"], entry["mean_score"]) == ("success", attributes["mean_score"])


@pytest.mark.parametrize("suite", SUITES)
def test_every_goals_rewards_are_its_environments(config, suite):
    """Each dataset's actions are replayed from the same starts in every goal's environment."""
    pool = load_pool(paths.pool(config, suite))
    for source, task in enumerate(TASKS):
        columns, attributes = read(config, suite, task)
        rows = np.flatnonzero(pool.source == source)
        for number, (first, length) in enumerate(zip(*episodes(columns), strict=True)):
            rng = stream("collect", task, attributes["quality"], number)
            seed = int(rng.integers(2**31))
            own = envs.make(task).unwrapped
            start, _ = own.reset(seed=seed, options={"start": "anywhere"})
            np.testing.assert_array_equal(columns["observations"][first], start.astype(np.float32))
            for column, other in enumerate(TASKS):
                world = envs.make(other).unwrapped
                world.reset(seed=0)
                world.data.qpos[:], world.data.qvel[:] = np.split(start, 2)
                for row in range(first, first + length):
                    state, reward, terminated, _, _ = world.step(columns["actions"][row])
                    assert (columns["next_observations"][row] == state.astype(np.float32)).all()
                    assert pool.rewards[rows[row], column] == reward
                    assert pool.terminals[rows[row], column] == terminated
    assert (pool.rewards[np.arange(len(pool.source)), pool.source] == 1).any()


def test_undirected_data_pay_for_other_goals_too(config):
    """Otherwise sharing would be useless. Reaching another task's goal does not end an episode."""
    pool = load_pool(paths.pool(config, "pointmaze-medium-undirected"))
    foreign = np.arange(len(TASKS)) != pool.source[:, None]
    assert pool.rewards[foreign].any()
    np.testing.assert_array_equal(pool.rewards, pool.terminals)
