"""Goals, starts, rewards and time limits of the mazes, tested on real trajectories.

Public maze environments had goals that went stale, starts inside the goal, rewards off by one step,
timeouts that did not match the episodes, and ants that passed through walls. These tests and those
of `test_maze_walls` guard against each of these defects.
"""

import itertools
import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from cds_bench.behaviour.navigation import ANYWHERE
from cds_bench.behaviour.rollout import Behaviour, episode
from envs import maze as module
from envs import navigation
from envs.maze import START_NOISE
from envs.navigation import MAZES, PLACES, RADIUS
from envs.specs import FRACTIONS
from tests.envs.mazes import (
    EVERY_MAZE,
    ONE_EACH,
    TASKS,
    again,
    neighbours,
    roll,
)

# The mazes themselves


@pytest.mark.parametrize("maze", MAZES)
def test_walls_and_goals_are_those_of_d4rl(maze):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gymnasium_robotics.envs.maze import maps
    walls = [[mark == "#" for mark in line] for line in MAZES[maze]]
    assert walls == [[mark == 1 for mark in row] for row in getattr(maps, f"{maze.upper()}_MAZE")]
    marked = getattr(maps, f"{maze.upper()}_MAZE_DIVERSE_G")
    for ours, theirs in (("G", "g"), ("S", "r")):
        expected = np.argwhere([[mark == theirs for mark in row] for row in marked])
        assert [list(cell) for cell in navigation.cells(maze, ours)] == expected.tolist()


def test_goals_in_metres():
    assert set(navigation.goals("medium")) == {(20, 4), (0, 16), (16, 20)}
    assert set(navigation.goals("large")) == {
        (20, 0), (16, 8), (36, 8), (4, 16), (12, 24), (20, 24), (32, 24),
    }  # fmt: skip
    for maze in MAZES:
        assert [navigation.centre(cell) for cell in navigation.cells(maze, "S")] == [(0, 0)]
        for cell in itertools.product(range(len(MAZES[maze])), range(len(MAZES[maze][0]))):
            assert navigation.cell_at(*navigation.centre(cell)) == cell


def test_a_goal_that_the_maze_does_not_have_is_refused():
    message = (
        r"maze 'medium' has no goal at \(4, 4\); its goals are \(0, 16\), \(16, 20\), \(20, 4\)"
    )
    with pytest.raises(ValueError, match=message):
        navigation.task_name("ant", "medium", (4, 4))


def test_suites_have_a_task_for_every_goal_and_d4rls_size():
    suites = [suite for suite in envs.SUITES.values() if suite.domain == "navigation"]
    suites = [suite for suite in suites if not suite.name.endswith((*FRACTIONS, "single"))]
    assert len(suites) == 8
    for suite in suites:
        body, maze, split = suite.name.replace("maze", "").split("-")
        places = [PLACES[task] for task in suite.tasks]
        assert [place.goal for place in places] == navigation.goals(maze)
        assert {(place.body, place.maze) for place in places} == {(body, maze)}
        assert {source.quality for source in suite.sources.values()} == {split}
        assert sum(source.transitions for source in suite.sources.values()) == 1_000_000


@pytest.mark.parametrize("task", [*ONE_EACH, "ant-reach"])
def test_gymnasium_accepts_the_environment(task):
    env = envs.make(task)
    assert env.spec.max_episode_steps == (envs.TASKS | envs.SKILLS)[task].horizon
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*infinity.*")  # positions have no bounds
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_ids_are_registered_with_the_horizon():
    for task in TASKS:
        env = gymnasium.make(f"envs.maze:{envs.TASKS[task].env_id}")
        assert env.spec.max_episode_steps == envs.TASKS[task].horizon == 1000
        assert env.observation_space.shape == ((29,) if PLACES[task].body == "ant" else (4,))
        assert env.action_space.shape == ((8,) if PLACES[task].body == "ant" else (2,))
        env.close()


@pytest.mark.parametrize("body", ["ant", "point"])
def test_a_missing_model_is_named(body, monkeypatch):
    package, _ = module.BODIES[body]
    for missing in ((package, "assets/none.xml"), ("no_such_package", "assets/none.xml")):
        monkeypatch.setitem(module.BODIES, body, missing)
        with pytest.raises(envs.WorldError, match=rf"none\.xml: .*{missing[0]}.*`make setup`"):
            module.body_spec(body)


# Goals and starts


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_resets_never_change_the_goal(worlds, data):
    """Tasks that share a model are reset and stepped; then a body is put on every goal."""
    tasks = neighbours(data.draw(st.sampled_from(["pointmaze-medium-0-16", *ONE_EACH])))
    order = data.draw(st.lists(st.sampled_from(tasks), min_size=1, max_size=6))
    for seed, task in enumerate(order):
        start = data.draw(st.sampled_from(["corner", "anywhere"]))
        worlds[task].reset(seed=seed, options={"start": start})
        worlds[task].step(np.zeros(worlds[task].action_space.shape, np.float32))
    for task, goal in itertools.product(set(order), navigation.goals(PLACES[tasks[0]].maze)):
        worlds[task].data.qpos[:2] = goal
        worlds[task].data.qvel[:] = 0.0
        action = np.zeros(worlds[task].action_space.shape, np.float32)
        _, reward, terminated, _, _ = worlds[task].step(action)
        assert (reward, terminated) == ((1.0, True) if goal == PLACES[task].goal else (0.0, False))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    task=st.sampled_from(TASKS),
    start=st.sampled_from([None, "corner", "anywhere"]),
    seed=st.integers(0, 2**31),
)
def test_no_episode_starts_at_its_goal(worlds, task, start, seed):
    place = PLACES[task]
    state, _ = worlds[task].reset(seed=seed, options=start and {"start": start})
    cell = navigation.cell_at(*state[:2])
    assert cell in navigation.free_cells(place.maze)
    assert cell != navigation.cell_at(*place.goal)
    assert np.abs(state[:2] - navigation.centre(cell)).max() <= START_NOISE
    assert np.hypot(*(state[:2] - place.goal)) > RADIUS
    assert start == "anywhere" or MAZES[place.maze][cell[0]][cell[1]] == "S"


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_anywhere_covers_every_free_cell_except_the_goals(worlds, task):
    place = PLACES[task]
    starts = [worlds[task].reset(seed=k, options=ANYWHERE)[0][:2] for k in range(600)]
    found = {navigation.cell_at(*start) for start in starts}
    assert found == {*navigation.free_cells(place.maze)} - {navigation.cell_at(*place.goal)}


# Rewards, ends and time


@pytest.mark.parametrize("task", ["pointmaze-large-16-8", "antmaze-medium-0-16"])
@pytest.mark.parametrize(("before", "speed", "paid"), [(0.6, 3.5, 1.0), (0.4, -3.5, 0.0)])
def test_the_reward_is_that_of_the_next_position(worlds, task, before, speed, paid):
    """A body that enters the goal during the step is rewarded; one that leaves it is not."""
    env, goal = worlds[task], PLACES[task].goal
    env.reset(seed=0)
    env.data.qpos[:2] = goal[0] - before, goal[1]
    env.data.qvel[:2] = speed, 0.0
    state, reward, terminated, truncated, info = env.step(np.zeros(env.action_space.shape))
    after = np.hypot(*(state[:2] - goal))
    assert (before > RADIUS) != (after > RADIUS), "the step must cross the goal's edge"
    assert (reward, terminated, truncated) == (paid, bool(paid), False)
    assert (info["x"], info["y"]) == tuple(state[:2])


@pytest.mark.parametrize("task", ["pointmaze-medium-20-4", "pointmaze-large-32-24", ONE_EACH[1]])
def test_relabelled_rewards_are_those_of_every_tasks_environment(worlds, walk, task):
    """One sequence of actions gives the same path for every goal, and each goal's own rewards."""
    maze, steps = PLACES[task].maze, 1000 if PLACES[task].body == "point" else 150
    rng = np.random.default_rng(0)
    act = walk(task, navigation.goals(maze)).begin(rng)
    states, _, _, actions = roll(worlds[task], lambda state: act(state, rng), steps, start="corner")
    columns = {"infos/x": states[1:, 0], "infos/y": states[1:, 1], "actions": actions}
    paid = 0
    for other in neighbours(task):
        path, rewards, ends, _ = roll(worlds[other], again(actions), steps, start="corner")
        np.testing.assert_array_equal(path, states)
        np.testing.assert_array_equal(envs.TASKS[other].reward(columns), rewards)
        np.testing.assert_array_equal(envs.TASKS[other].terminal(columns), ends)
        near = np.hypot(*(states[1:, :2] - PLACES[other].goal).T) <= RADIUS
        np.testing.assert_array_equal(rewards, near)
        paid += rewards.any()
    assert paid >= 2 or PLACES[task].body == "ant", "several goals must be visited"


@pytest.mark.parametrize("task", ONE_EACH)
def test_a_timeout_ends_the_thousandth_step(task):
    env = envs.make(task)
    rest = np.zeros(env.action_space.shape, np.float32)
    columns = episode(env, Behaviour(lambda rng: lambda state, rng: rest), np.random.default_rng(0))
    assert np.flatnonzero(columns["timeouts"]).tolist() == [999]
    assert len(columns["rewards"]) == 1000
    assert not columns["terminals"].any()
    assert not columns["rewards"].any()
    env.close()


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_an_episode_ends_when_the_goal_is_reached(walk, task):
    env = envs.make(task)
    for seed in range(3):
        columns = episode(env, walk(task, [PLACES[task].goal]), np.random.default_rng(seed))
        end = len(columns["rewards"]) - 1
        assert end < 999
        for key in ("rewards", "terminals"):
            assert np.flatnonzero(columns[key]).tolist() == [end]
        assert not columns["timeouts"].any()
        xy = np.stack([columns["infos/x"], columns["infos/y"]], axis=1)
        np.testing.assert_array_equal(columns["next_observations"][:, :2], xy.astype(np.float32))
    env.close()


def test_a_goal_reached_at_the_time_limit_is_a_terminal(walk):
    """The step that reaches the goal is also the last one before the time limit."""
    task = EVERY_MAZE[0]
    behaviour = walk(task, [PLACES[task].goal])
    length = len(episode(envs.make(task), behaviour, np.random.default_rng(0))["rewards"])
    env = envs.make(task, max_episode_steps=length)
    columns = episode(env, behaviour, np.random.default_rng(0))
    assert len(columns["rewards"]) == length
    assert columns["terminals"][-1]
    assert not columns["timeouts"].any()


# Repetition


@pytest.mark.parametrize("task", ONE_EACH)
def test_same_seed_same_bytes(worlds, walk, task):
    def states(seed, env):
        rng = np.random.default_rng(0)
        act = walk(task, navigation.goals(PLACES[task].maze)).begin(rng)
        return roll(env, lambda state: act(state, rng), 40, seed)[0]

    fresh = envs.make(task).unwrapped
    first = states(3, fresh).tobytes()
    roll(fresh, lambda _: np.ones(fresh.action_space.shape), 20, seed=8)
    assert states(3, fresh).tobytes() == first == states(3, worlds[task]).tobytes()
    assert states(4, fresh)[0, 0] != states(3, fresh)[0, 0]
    fresh.close()


@pytest.mark.parametrize("task", ONE_EACH)
def test_environments_that_share_a_model_are_independent(worlds, task):
    """An episode does not change if another goal's environment is stepped in turns with it."""
    first, second = (worlds[name] for name in neighbours(task)[:2])
    assert first.model is second.model
    size = mujoco.mj_sizeModel(first.model)
    before, after = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    mujoco.mj_saveModel(first.model, None, before)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (60, *first.action_space.shape)).astype(np.float32)
    alone, _, _, _ = roll(first, again(actions), 60, seed=1)
    first.reset(seed=1, options=ANYWHERE)
    for k, action in enumerate(actions):
        if k % 20 == 0:
            second.reset(seed=k)
        second.step(-action)
        np.testing.assert_array_equal(first.step(action)[0], alone[k + 1])
    mujoco.mj_saveModel(first.model, None, after)
    np.testing.assert_array_equal(after, before)
