"""Behaviour in mazes: shortest paths, waypoints, and the goals of each quality."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from cds_bench.behaviour.navigation import (
    LOST,
    PASSED,
    Route,
    ant_controller,
    navigator,
    shortest_path,
    steer_point,
)
from cds_bench.behaviour.policy import policy_sha256, save_snapshots
from cds_bench.behaviour.recipes import module, recipes
from cds_bench.behaviour.rollout import episode, scores
from cds_bench.config import Config
from cds_bench.storage import paths
from cds_bench.storage.files import sha256, write_json
from envs import navigation
from envs.navigation import CELL, MAZES, PLACES, RADIUS, task_name

MEDIUM = "pointmaze-medium-20-4"


def visited(maze, path):
    """The goals of the maze that a path [N, 2] reaches."""
    goals = navigation.goals(maze)
    return {goal for goal in goals if (np.hypot(*(path - goal).T) <= RADIUS).any()}


@pytest.fixture
def ant_config(random_policy, tmp_path):
    """A configuration in which ant-reach has two random snapshots, of which the first is better."""
    config = Config(results=str(tmp_path), behaviour="train")
    path = paths.behaviour(config, "ant-reach")
    save_snapshots(path, [10, 20], [random_policy(seed, inputs=28, actions=8) for seed in (1, 2)])
    provenance = {"mean_return": [9.0, 3.0], "sha256": sha256(path)}
    write_json(paths.behaviour_provenance(config, "ant-reach"), provenance)
    return config


# Paths


@pytest.mark.parametrize("maze", MAZES)
def test_shortest_paths_between_all_cells(maze):
    """Floyd and Warshall's algorithm gives the same lengths. Each step goes to a free neighbour."""
    cells = navigation.free_cells(maze)
    where = np.array(cells)
    apart = np.abs(where[:, None] - where).sum(-1)
    lengths = np.where(apart <= 1, apart, np.inf)
    for middle in range(len(cells)):
        lengths = np.minimum(lengths, lengths[:, [middle]] + lengths[middle])
    assert np.isfinite(lengths).all(), "every cell can be reached"
    for (i, start), (j, end) in itertools.product(enumerate(cells), repeat=2):
        path = shortest_path(maze, start, end)
        assert (path[0], path[-1], len(path)) == (start, end, lengths[i, j] + 1)
        assert set(path) <= set(cells)
        assert (np.abs(np.diff(path, axis=0)).sum(-1) == 1).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), maze=st.sampled_from(sorted(MAZES)))
def test_a_route_leads_to_the_goal_from_anywhere(data, maze):
    """The agent walks straight to its waypoints. On the way it is moved to another, far place."""
    cells = navigation.free_cells(maze)
    goal = data.draw(st.sampled_from(navigation.goals(maze)))
    moves = data.draw(st.dictionaries(st.integers(1, 60), st.sampled_from(cells), max_size=3))
    offset = data.draw(st.tuples(*[st.floats(-1.0, 1.0)] * 2))
    position = np.array(navigation.centre(data.draw(st.sampled_from(cells))))
    route, last = Route(maze, goal), max(moves, default=0)
    for step in range(last + 400):
        waypoint = route.waypoint(position)
        other = np.add(navigation.centre(moves[step]), offset) if step in moves else position
        if np.hypot(*(waypoint - other)) > LOST:
            position, waypoint = other, route.waypoint(other)
        if step > last and np.hypot(*(position - goal)) <= RADIUS:
            return
        way = waypoint - position
        position = position + way * min(1.0, 0.5 / max(np.hypot(*way), 1e-9))
        assert navigation.cell_at(*position) in cells
    raise AssertionError(f"{position} is not at {goal}")


def test_a_waypoint_is_passed_within_a_metre():
    route = Route("medium", (20, 4))
    assert route.waypoint(np.array([0.0, PASSED + 0.1])).tolist() == [0, 0]
    following = route.waypoint(np.array([0.0, PASSED - 0.1]))
    assert np.hypot(*following) == CELL
    assert Route("medium", (20, 4)).waypoint(np.array([20.4, 4.0])).tolist() == [20, 4]


def test_a_body_pressed_into_a_wall_still_has_a_path():
    inside = np.array([0.0, -2.1])  # just beyond the edge of the first cell
    assert navigation.cell_at(*inside) not in navigation.free_cells("medium")
    assert Route("medium", (20, 4)).waypoint(inside).tolist() == [0, 0]


# The point


@pytest.mark.parametrize("maze", MAZES)
def test_the_point_reaches_every_goal_from_every_cell(maze):
    for goal in navigation.goals(maze):
        task = task_name("point", maze, goal)
        env = envs.make(task).unwrapped
        for seed, cell in enumerate(navigation.free_cells(maze)):
            if cell == navigation.cell_at(*goal):
                continue
            state, _ = env.reset(seed=seed)
            env.data.qpos[:] = state[:2] = navigation.centre(cell)
            rng = np.random.default_rng(seed)
            act, steps, done = navigator(PLACES[task], steer_point, [goal], 0.2)(rng), 0, False
            while not done:
                state, _, done, _, _ = env.step(act(state, rng))
                steps += 1
                assert steps < 1000
        env.close()


def behaviour(task, quality, config=None):
    return module(task).recipes(config or Config(), task, quality)[0].behaviour


@pytest.mark.parametrize("task", [MEDIUM, "pointmaze-large-12-24"])
def test_undirected_goes_to_any_goal_and_on(task):
    """It visits goals until it reaches the task's own, which ends the episode."""
    env, maze = envs.make(task), PLACES[task].maze
    seen, most = set(), 0
    for seed in range(15):
        columns = episode(env, behaviour(task, "undirected"), np.random.default_rng(seed))
        found = visited(maze, np.stack([columns["infos/x"], columns["infos/y"]], axis=1))
        assert columns["terminals"][-1] == (PLACES[task].goal in found)
        seen, most = seen | found, max(most, len(found))
    assert seen == set(navigation.goals(maze))
    assert most > 1
    env.close()


def test_directed_goes_to_the_tasks_goal_and_expert_has_no_noise():
    env = envs.make(MEDIUM)
    for quality, same in (("expert", True), ("directed", False)):
        for seed in range(3):
            columns = episode(env, behaviour(MEDIUM, quality), np.random.default_rng(seed))
            assert columns["terminals"][-1]
            assert len(columns["rewards"]) < 250
        act = behaviour(MEDIUM, quality).begin(np.random.default_rng(0))
        first, second = (act(np.zeros(4), np.random.default_rng(k)) for k in (0, 1))
        assert (first == second).all() == same
    env.close()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    task=st.sampled_from([MEDIUM, "antmaze-large-12-24"]),
    noise=st.sampled_from([0.0, 0.2, 5.0]),
)
def test_actions_are_bounded_and_repeat(random_policy, seed, task, noise):
    place, rng = PLACES[task], np.random.default_rng(seed)
    policy = random_policy(0, inputs=28, actions=8)
    control = ant_controller(policy) if place.body == "ant" else steer_point
    size = 29 if place.body == "ant" else 4
    start = navigation.free_cells(place.maze)[rng.integers(len(navigation.free_cells(place.maze)))]
    states = np.concatenate(
        [navigation.centre(start) + rng.uniform(-2, 2, (5, 2)), rng.normal(size=(5, size - 2))], 1
    )
    found = []
    for _ in range(2):
        draw = np.random.default_rng(seed)
        act = navigator(place, control, navigation.goals(place.maze), noise)(draw)
        found.append([act(state, draw) for state in states])
    np.testing.assert_array_equal(*found)
    assert {action.dtype for action in found[0]} == {np.dtype(np.float32)}
    assert np.abs(found[0]).max() <= 1.0
    assert len(np.unique(found[0], axis=0)) > 1


# Descriptions


def test_recipes_of_the_point_are_described():
    described = {
        quality: module(MEDIUM).recipes(Config(), MEDIUM, quality)[0].about
        for quality in ("undirected", "directed", "expert")
    }
    assert {quality: about["noise"] for quality, about in described.items()} == {
        "undirected": 0.2, "directed": 0.2, "expert": 0.0,
    }  # fmt: skip
    assert described["undirected"]["goals"] == navigation.goals("medium")
    assert described["directed"]["goals"] == described["expert"]["goals"] == [(20, 4)]
    assert described["directed"]["policy"] == "proportional-derivative controller"
    assert behaviour(MEDIUM, "directed").options == {"start": "anywhere"}


def test_the_ant_takes_its_best_snapshot(ant_config, random_policy):
    (recipe,) = module("antmaze-medium-20-4").recipes(ant_config, "antmaze-medium-20-4", "directed")
    expert = random_policy(1, inputs=28, actions=8)
    assert (recipe.about["policy"], recipe.about["step"]) == ("ant-reach", 10)
    assert recipe.about["sha256"] == policy_sha256(expert)
    env = envs.make("antmaze-medium-20-4")
    columns = episode(env, recipe.behaviour, np.random.default_rng(0), limit=20)
    assert columns["observations"].shape == (20, 29)
    assert np.abs(columns["actions"]).max() <= 1.0
    env.close()


def test_each_domain_has_its_own_recipes_and_all_have_random():
    for task, described in envs.TASKS.items():
        assert hasattr(module(task), "REFERENCE")
        env = envs.make(task)
        (recipe,) = recipes(Config(), env, "random")
        action = recipe.behaviour.begin(None)(None, np.random.default_rng(0))
        assert recipe.about == {"policy": "uniform"}
        assert env.action_space.contains(action), described.domain
        env.close()


def test_the_frozen_ant_reaches_goals_through_the_maze():
    """The ant mazes' data need this: it walks from anywhere in the medium maze to the goals."""
    reached = []
    for task in ("antmaze-medium-20-4", "antmaze-medium-16-20"):
        env = envs.make(task)
        rng = np.random.default_rng(0)
        reached += scores(env, behaviour(task, "directed"), rng, 2).tolist()
        env.close()
    assert np.mean(reached) >= 0.5
