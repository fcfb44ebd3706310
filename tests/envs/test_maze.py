"""The mazes over real trajectories: goals, starts, rewards and walls; the ant's skill of reaching.

Public maze environments had stale goals, starts inside the goal, rewards off by one step, timeouts
out of line with episodes, and ants through walls: each is tested against here.
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
from cds_bench.behaviour.navigation import ANYWHERE, ant_controller, navigator, steer_point
from cds_bench.behaviour.rollout import Behaviour, episode, uniform
from envs import maze as module
from envs import navigation, reach
from envs.maze import FRAME_SKIP, START_NOISE, TOP_SPEED
from envs.navigation import CELL, MAZES, PLACES, RADIUS
from envs.reach import features
from envs.specs import FRACTIONS

TASKS = list(PLACES)
ONE_EACH = ["pointmaze-medium-16-20", "antmaze-large-12-24"]
EVERY_MAZE = ["pointmaze-medium-20-4", "pointmaze-large-4-16"]
HALF = CELL / 2
SECONDS = {"point": 0.1, "ant": 0.05}  # a step takes
# The farthest that a step may go, in metres. The point's speed is capped along each axis and then
# grows by 100 N on its mass for one step. The ant's fastest in 1e5 steps of hard-driven legs was
# 8 m/s; no foot moves faster than some 20 m/s against its torso.
MASS = 4 / 3 * np.pi * 0.1**3 * 1000
FARTHEST = {"point": np.sqrt(2) * (TOP_SPEED + 100 / MASS * 0.1) * 0.1, "ant": 10 * 0.05}


@pytest.fixture(scope="module")
def worlds():
    """Every maze task's environment without the time limit."""
    made = {task: envs.make(task).unwrapped for task in TASKS}
    yield made
    for env in made.values():
        env.close()


@pytest.fixture(scope="module")
def walk(random_policy):
    """`walk(task, goals)`: a behaviour of the task's body; the ant's legs follow random weights."""

    def make(task, goals):
        control = steer_point
        if PLACES[task].body == "ant":
            control = ant_controller(random_policy(0, inputs=28, actions=8))
        return Behaviour(navigator(PLACES[task], control, goals, noise=0.2), ANYWHERE)

    return make


def neighbours(task):
    """The tasks of the same body in the same maze, this one first."""
    place = PLACES[task]
    alike = [t for t in TASKS if (PLACES[t].body, PLACES[t].maze) == (place.body, place.maze)]
    return sorted(alike, key=lambda name: name != task)


def roll(env, act, steps, seed=0, start="anywhere"):
    """States [steps + 1, n], rewards, terminations and actions, on through reached goals."""
    state, _ = env.reset(seed=seed, options={"start": start})
    states, rewards, ends, actions = [state], [], [], []
    for _ in range(steps):
        actions.append(act(states[-1]))
        state, reward, terminated, _, _ = env.step(actions[-1])
        states.append(state)
        rewards.append(reward)
        ends.append(terminated)
    return np.array(states), np.array(rewards), np.array(ends), np.array(actions)


def again(actions):
    """Acts out a sequence of actions."""
    left = iter(actions)
    return lambda state: next(left)


def clearance(maze, path):
    """Metres from each position [N, 2] to the nearest wall; 0 inside one."""
    walls = np.array([navigation.centre(cell) for cell in navigation.cells(maze, "#")])
    gaps = np.maximum(np.abs(path[:, None] - walls) - HALF, 0.0)
    return np.hypot(gaps[..., 0], gaps[..., 1]).min(1)


def check_path(task, path):
    """The body's centre stays in free cells, never crosses a wall, and no step is too far.

    Contacts are soft: a surface sinks a little, but the centre behind it (0.1 metres for the point,
    0.25 for the ant's torso) stays outside, on the straight lines between positions too.
    """
    place = PLACES[task]
    assert {navigation.cell_at(*xy) for xy in path} <= {*navigation.free_cells(place.maze)}
    steps = np.diff(path, axis=0)
    assert np.hypot(*steps.T).max() <= FARTHEST[place.body]
    share = np.linspace(0, 1, 5)[:, None, None]
    assert clearance(place.maze, (path[:-1] + share * steps).reshape(-1, 2)).min() > 0.0


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


def test_a_goal_that_the_maze_has_not():
    message = (
        r"maze 'medium' has no goal at \(4, 4\); its goals are \(0, 16\), \(16, 20\), \(20, 4\)"
    )
    with pytest.raises(ValueError, match=message):
        navigation.task_name("ant", "medium", (4, 4))


def test_suites_have_a_task_for_every_goal_and_d4rls_size():
    suites = [suite for suite in envs.SUITES.values() if suite.domain == "navigation"]
    suites.remove(navigation.SINGLE)
    suites = [suite for suite in suites if not suite.name.endswith(tuple(FRACTIONS))]
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
def test_the_goal_is_the_tasks_after_any_resets(worlds, data):
    """Any resets and steps of the tasks that share a model; then a body is put on every goal."""
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
def test_anywhere_is_every_free_cell_but_the_goals(worlds, task):
    place = PLACES[task]
    starts = [worlds[task].reset(seed=k, options=ANYWHERE)[0][:2] for k in range(600)]
    found = {navigation.cell_at(*start) for start in starts}
    assert found == {*navigation.free_cells(place.maze)} - {navigation.cell_at(*place.goal)}


# Rewards, ends and time


@pytest.mark.parametrize("task", ["pointmaze-large-16-8", "antmaze-medium-0-16"])
@pytest.mark.parametrize(("before", "speed", "paid"), [(0.6, 3.5, 1.0), (0.4, -3.5, 0.0)])
def test_the_reward_is_the_next_positions(worlds, task, before, speed, paid):
    """A body that enters the goal within the step is paid, and one that leaves it is not."""
    env, goal = worlds[task], PLACES[task].goal
    env.reset(seed=0)
    env.data.qpos[:2] = goal[0] - before, goal[1]
    env.data.qvel[:2] = speed, 0.0
    state, reward, terminated, truncated, info = env.step(np.zeros(env.action_space.shape))
    after = np.hypot(*(state[:2] - goal))
    assert (before > RADIUS) != (after > RADIUS), "it crosses the goal's edge"
    assert (reward, terminated, truncated) == (paid, bool(paid), False)
    assert (info["x"], info["y"]) == tuple(state[:2])


@pytest.mark.parametrize("task", ["pointmaze-medium-20-4", "pointmaze-large-32-24", ONE_EACH[1]])
def test_relabelling_is_what_every_tasks_environment_returns(worlds, walk, task):
    """One sequence of actions in the environment of every goal: same path, their own rewards."""
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
    assert paid >= 2 or PLACES[task].body == "ant", "several goals are visited"


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
def test_an_episode_ends_where_the_goal_is_reached(walk, task):
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


def test_both_ends_at_once_are_a_terminal(walk):
    """The goal is reached at the step of the time limit."""
    task = EVERY_MAZE[0]
    behaviour = walk(task, [PLACES[task].goal])
    length = len(episode(envs.make(task), behaviour, np.random.default_rng(0))["rewards"])
    env = envs.make(task, max_episode_steps=length)
    columns = episode(env, behaviour, np.random.default_rng(0))
    assert len(columns["rewards"]) == length
    assert columns["terminals"][-1]
    assert not columns["timeouts"].any()


# Walls and physics


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_the_points_way_is_free(worlds, walk, task):
    """Full episodes of the real controller, from goal to goal."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        act = walk(task, navigation.goals(PLACES[task].maze)).begin(rng)
        states, _, _, _ = roll(worlds[task], lambda s, act=act, rng=rng: act(s, rng), 1000, seed)
        check_path(task, states[:, :2])
        assert np.hypot(*(states[-1, :2] - states[0, :2])) > 0


@pytest.mark.parametrize("task", ["antmaze-medium-16-20", "antmaze-large-12-24"])
@pytest.mark.parametrize("how", ["uniform", "reaching"])
def test_the_ants_way_is_free(worlds, walk, task, how):
    behaviour = uniform(8) if how == "uniform" else walk(task, navigation.goals(PLACES[task].maze))
    for seed in range(2):
        rng = np.random.default_rng(seed)
        act = behaviour.begin(rng)
        states, _, _, _ = roll(worlds[task], lambda s, act=act, rng=rng: act(s, rng), 400, seed)
        check_path(task, states[:, :2])
        assert np.isfinite(states).all()


DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_the_point_does_not_get_through_any_wall(worlds, task):
    """Full force from the centre of every cell, into walls and corners, at full speed."""
    env, maze = worlds[task], PLACES[task].maze
    for cell, direction in itertools.product(navigation.free_cells(maze), DIRECTIONS):
        env.reset(seed=0)
        env.data.qpos[:] = navigation.centre(cell)
        path = [env.data.qpos.copy()]
        for _ in range(25):
            path.append(env.step(np.array(direction, np.float32))[0][:2])
        check_path(task, np.array(path))


def test_the_ant_does_not_get_through_any_wall(worlds):
    """Pushed with twice its weight into the walls of each cell, its legs hard driven."""
    env, maze, rng = worlds["antmaze-medium-16-20"], "medium", np.random.default_rng(0)
    torso = env.model.body("torso").id
    weight = 9.81 * env.model.body_mass.sum()
    for (row, column), (x, y) in itertools.product(navigation.free_cells(maze), DIRECTIONS[:4]):
        if MAZES[maze][row + y][column + x] == "#":
            env.reset(seed=0)
            env.data.qpos[:2] = navigation.centre((row, column))
            env.data.xfrc_applied[torso, :2] = 2 * weight * x, 2 * weight * y
            path = [env.data.qpos[:2].copy()]
            for _ in range(25):
                path.append(env.step(rng.choice([-1.0, 1.0], 8))[0][:2])
            check_path("antmaze-medium-16-20", np.array(path))
    env.reset(seed=0)
    assert not env.data.xfrc_applied.any()


@pytest.mark.parametrize("rise", [5.0, 7.5, 10.0])
def test_the_ant_does_not_get_over_a_wall(worlds, rise):
    """Thrown up as high as its legs can throw it, which is 3 metres, and higher."""
    env = worlds["antmaze-medium-16-20"]
    env.reset(seed=0)
    env.data.qvel[:] = 0.0
    env.data.qvel[[0, 2]] = -5.0, rise
    states = [env.step(np.zeros(8))[0] for _ in range(40)]
    assert max(state[2] for state in states) > 1.0 + rise / 5
    check_path("antmaze-medium-16-20", np.array(states)[:, :2])


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
def test_environments_that_share_a_model_do_not_meet(worlds, task):
    """Stepped in turns with another goal's, an episode is what it is alone."""
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


# The skill of reaching


def turned(state, goal, angle):
    """A state of the ant and a goal, the whole world turned about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    (w, x, y, z), half = state[3:7], np.array([np.cos(angle / 2), np.sin(angle / 2)])
    state = state.copy()
    state[:2], state[15:17] = turn @ state[:2], turn @ state[15:17]
    state[3:7] = (
        half[0] * w - half[1] * z, half[0] * x - half[1] * y,
        half[0] * y + half[1] * x, half[0] * z + half[1] * w,
    )  # fmt: skip
    return state, turn @ goal


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31), angle=st.floats(-np.pi, np.pi))
def test_features_do_not_depend_on_the_compass(seed, angle):
    """Turning the world changes no feature, and the physics turns with it.

    The latter shows that the free joint's angular velocity, which `features` takes as it is, is in
    the torso's frame.
    """
    env, rng = envs.make("ant-reach").unwrapped, np.random.default_rng(seed)
    env.reset(seed=seed)
    goal = rng.uniform(-6, 6, 2)
    env.data.qvel[3:6] = rng.uniform(-3, 3, 3)
    state, action = env._state(), rng.uniform(-1, 1, 8)
    other, turned_goal = turned(state, goal, angle)
    after = []
    for start, target in ((state, goal), (other, turned_goal)):
        mujoco.mj_resetData(env.model, env.data)
        env.data.qpos[:], env.data.qvel[:] = np.split(start, [15])
        env.goal = target
        now = features(start, target)
        for _ in range(2):
            env.step(action)
        after.append((now, features(env._state(), target)))
    for first, second in zip(*after, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6, atol=1e-6)
    assert not np.allclose(*after[0], atol=1e-2), "the ant has moved"


def test_features_say_where_the_goal_is_as_the_ant_sees_it():
    state = np.zeros(29)
    state[:7] = 1.0, 1.0, 0.75, np.cos(np.pi / 4), 0.0, 0.0, np.sin(np.pi / 4)  # facing +y
    state[15:17] = 0.0, 2.0
    found = features(state, np.array([1.0, 3.0]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:4], [0.75, 0, 0, 1], atol=1e-6)  # height, up
    np.testing.assert_allclose(found[12:14], [2, 0], atol=1e-6)  # forward at 2 m/s
    np.testing.assert_allclose(found[-2:], [0.5, 0], atol=1e-6)  # straight ahead, 2 of 4 metres
    far = features(state, np.array([-99.0, 1.0]))[-2:]
    np.testing.assert_allclose(far, [0, 1], atol=1e-6)  # on the left, beyond 4 metres


@pytest.fixture
def ant():
    env = envs.make("ant-reach").unwrapped
    yield env
    env.close()


def test_progress_is_the_decrease_of_the_distance_a_second(ant):
    rng = np.random.default_rng(0)
    for seed in range(3):
        ant.reset(seed=seed)
        for _ in range(30):
            goal, before = ant.goal.copy(), ant.data.qpos[:2].copy()
            action = rng.uniform(-1, 1, 8).astype(np.float32)
            observation, reward, _, _, info = ant.step(action)
            gained = np.hypot(*(goal - before)) - np.hypot(*(goal - ant.data.qpos[:2]))
            assert info["progress"] == pytest.approx(gained / SECONDS["ant"], abs=1e-9)
            paid = min(info["progress"], 3.0) - 0.05 * np.square(action.astype(float)).sum()
            assert reward == pytest.approx(paid)
            np.testing.assert_array_equal(observation, features(ant._state(), ant.goal))


def test_a_reached_point_is_followed_by_another(ant):
    for seed in range(20):
        ant.reset(seed=seed)
        assert 2.0 <= np.hypot(*(ant.goal - ant.data.qpos[:2])) <= 8.0
    kept = ant.goal.copy()
    ant.step(np.zeros(8))
    np.testing.assert_array_equal(ant.goal, kept)
    ant.goal = ant.data.qpos[:2] + 0.1
    ant.step(np.zeros(8))
    assert 2.0 <= np.hypot(*(ant.goal - ant.data.qpos[:2])) <= 8.0


@pytest.mark.parametrize(
    ("height", "roll_angle", "ends"),
    [(0.55, 0.0, False), (0.15, 0.0, True), (1.4, 0.0, True), (0.7, 1.4, False), (0.7, 2.0, True)],
)
def test_the_skill_ends_when_fallen(ant, monkeypatch, height, roll_angle, ends):
    """Placed in mid-air or in the floor, which is switched off for the step."""
    monkeypatch.setattr(ant.model.opt, "disableflags", mujoco.mjtDisableBit.mjDSBL_CONTACT)
    ant.reset(seed=0)
    ant.data.qpos[2:7] = height, np.cos(roll_angle / 2), np.sin(roll_angle / 2), 0.0, 0.0
    ant.data.qvel[:] = 0.0
    _, _, terminated, _, info = ant.step(np.zeros(8))
    assert terminated == ends
    columns = {f"infos/{name}": np.array([value]) for name, value in info.items()}
    assert reach.fallen(columns)[0] == ends


def test_a_step_takes_what_the_descriptions_say(worlds, ant):
    for body, env in (("point", worlds[ONE_EACH[0]]), ("ant", worlds[ONE_EACH[1]]), ("ant", ant)):
        assert env.model.opt.timestep * FRAME_SKIP[body] == pytest.approx(SECONDS[body])
        assert env.model.body_mass.sum() == pytest.approx(MASS) or body == "ant"
