"""The tabletop environments: rewards from stored columns, starts and the gripper."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
from cds_bench.behaviour.rollout import episode
from cds_bench.behaviour.vision import noisy
from envs import scenery, tabletop, vision
from envs.vision import ABOUT, CONTAINERS, CONTENTS, HEIGHTS, OBJECTS
from tests.envs.tabletops import TASKS, put

IDLE = np.array([0, 0, 0, -1], np.float32)
ONE_EACH = ["lift-can", "place-bowl"]


def rollout(env, seed: int, actions: np.ndarray) -> bytes:
    """The pictures and rewards that fixed actions lead to, as bytes."""
    observation, _ = env.reset(seed=seed)
    parts = [observation.tobytes()]
    for action in actions:
        observation, reward, *_ = env.step(action)
        parts += [observation.tobytes(), np.float64(reward).tobytes()]
    return b"".join(parts)


def test_seven_objects_and_three_containers_make_ten_tasks():
    assert list(vision.TASKS) == [f"lift-{o}" for o in OBJECTS] + [f"place-{c}" for c in CONTAINERS]
    suite = envs.SUITES["pick-place"]
    assert suite.tasks == tuple(vision.TASKS)
    assert {source.transitions for source in suite.sources.values()} == {50_000}
    assert set(envs.SUITES["pick-place-small"].tasks) < set(suite.tasks)


@pytest.mark.parametrize("task", TASKS)
def test_ids_are_registered_with_the_horizon(task):
    env = gymnasium.make(f"envs.tabletop:{envs.TASKS[task].env_id}")
    horizon = 20 if task.startswith("lift") else 25
    assert env.spec.max_episode_steps == envs.TASKS[task].horizon == horizon
    assert env.observation_space == gymnasium.spaces.Box(0, 255, (48, 48, 3), np.uint8)
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    env.close()


@pytest.mark.parametrize("task", ONE_EACH)
def test_gymnasium_accepts_the_environment(task):
    env = envs.make(task, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


def test_rewards_follow_the_columns():
    """At, below and above the threshold, each task depends only on its own column."""
    zeros = {f"infos/{name}": np.zeros(3) for name in vision.INFOS}
    for task, about in ABOUT.items():
        key = (HEIGHTS | CONTENTS)[about]
        low, high = (0.0799, 0.08) if about in OBJECTS else (0.0, 1.0)
        columns = zeros | {f"infos/{key}": np.array([0.0, low, high])}
        for other in TASKS:
            expected = [0, 0, 1] if other == task else [0, 0, 0]
            reward, terminal = (
                f(columns) for f in (envs.TASKS[other].reward, envs.TASKS[other].terminal)
            )
            assert (reward.dtype, terminal.dtype) == (np.float64, bool)
            np.testing.assert_array_equal(reward, expected)
            np.testing.assert_array_equal(terminal, expected)


@pytest.mark.parametrize("task", ONE_EACH)
def test_same_seed_and_actions_give_the_same_bytes(made, task):
    """Neither earlier episodes nor other instances make a difference."""
    actions = np.random.default_rng(0).uniform(-1, 1, (12, 4)).astype(np.float32)
    first = rollout(made[task], 7, actions)
    assert rollout(made[task], 8, actions) != first
    assert rollout(made[task], 7, actions) == first
    fresh, other = envs.make(task), envs.make("lift-milk")
    other.reset(seed=7)
    observation, _ = fresh.reset(seed=7)
    parts = [observation.tobytes()]
    for action in actions:
        other.step(-action)
        observation, reward, *_ = fresh.step(action)
        parts += [observation.tobytes(), np.float64(reward).tobytes()]
    assert b"".join(parts) == first


def test_instances_with_the_same_things_share_a_model():
    assert scenery.scene(("bowl", "can")) is scenery.scene(("bowl", "can"))
    assert scenery.scene(("bowl", "can")).nbody == 6


def test_an_episode_shows_its_own_thing_and_random_others(made):
    for task, about in ABOUT.items():
        env = made[task].unwrapped
        shown, counts, containers = set(), set(), set()
        for seed in range(40):
            container, objects = tabletop.chosen(about, np.random.default_rng(seed))
            assert about in {container, *objects}
            assert len(set(objects)) == len(objects)
            shown |= set(objects)
            counts.add(len(objects))
            containers.add(container)
        assert shown == set(OBJECTS)
        assert counts == {3, 4}
        assert containers == ({about} if about in CONTAINERS else set(CONTAINERS))
        env.reset(seed=0)
        assert {env.container, *env.objects} == env.state.keys() - {"hand", "fingers"}


def test_things_lie_apart_and_differ_from_seed_to_seed():
    spreads = [tabletop.spread(np.random.default_rng(seed), 4) for seed in range(50)]
    for places in spreads:
        gaps = np.hypot(*(places[:, None] - places).T)
        assert gaps[0, 1:].min() >= tabletop.CLEAR
        assert gaps[1:, 1:][~np.eye(4, dtype=bool)].min() >= tabletop.APART
        assert (np.abs(places) <= tabletop.AREA).all()
    assert (np.std(spreads, axis=0) > 0.03).all()


@pytest.mark.parametrize("task", TASKS)
def test_starts_are_unsolved_for_every_task(made, task):
    for seed in range(5):
        _, info = made[task].reset(seed=seed)
        assert set(info) == set(vision.INFOS)
        columns = {f"infos/{name}": np.array([value]) for name, value in info.items()}
        assert not any(envs.TASKS[other].reward(columns)[0] for other in TASKS), seed
        assert all(abs(info[HEIGHTS[name]]) < 0.005 for name in OBJECTS)


@pytest.mark.parametrize("task", ["lift-food", "place-plate"])
def test_columns_recompute_every_tasks_reward(made, task):
    """The columns of one task's episode give the rewards that the simulator's state implies."""
    env, found = made[task], []

    class Recorded(gymnasium.Wrapper):
        def step(self, action):
            result = super().step(action)
            found.append(solved(env.unwrapped))
            return result

    paid = set()
    for seed in range(40):
        found.clear()
        columns = episode(Recorded(env), noisy(task), np.random.default_rng(seed))
        np.testing.assert_array_equal(columns["rewards"], envs.TASKS[task].reward(columns))
        ended = (columns["rewards"] == 1) | (columns["infos/given_up"] == 1)
        np.testing.assert_array_equal(columns["terminals"], ended)
        for other in TASKS:
            reward = envs.TASKS[other].reward(columns)
            np.testing.assert_array_equal(reward, [other in tasks for tasks in found])
            paid |= {other} if reward.any() else set()
    assert task in paid
    assert len(paid) > 1, "another task is solved as well"


def solved(env) -> set[str]:
    """The tasks that the simulator's state solves, computed independently of the environment."""
    data, model, tasks = env.data, env.model, set()
    geoms = {name: set(np.flatnonzero(model.geom_bodyid == model.body(name).id)) for name in (
        *env.objects, env.container, "hand", "left", "right",
    )}  # fmt: skip
    hand = geoms["hand"] | geoms["left"] | geoms["right"]
    pairs = [{c.geom1, c.geom2} for c in data.contact]
    for name in env.objects:
        start = env._rest[name]
        if data.body(name).xipos[2] - start >= 0.08:
            tasks.add(f"lift-{name}")
        offset = data.body(name).xipos - data.body(env.container).xpos
        on = any(pair & geoms[name] and pair & geoms[env.container] for pair in pairs)
        held = any(pair & geoms[name] and pair & hand for pair in pairs)
        if np.linalg.norm(offset[:2]) <= 0.06 and on and not held:
            tasks.add(f"place-{env.container}")
    return tasks


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_object_in_the_container_is_placed(made, container):
    env = made[f"place-{container}"]
    for seed in range(3):
        env.reset(seed=seed)
        middle = env.unwrapped.state[container][:2]
        name = env.unwrapped.objects[seed]
        assert put(env, name, (*middle, 0.03))[CONTENTS[container]] == 0, "it is still falling"
        for _ in range(4):
            _, reward, terminated, _, info = env.step(IDLE)
        assert info[CONTENTS[container]] == 1
        assert (reward, terminated) == (1.0, True)
        put(env, name, (*(middle - np.sign(middle) * (0.11, 0.0)), 0.001))
        assert env.step(IDLE)[-1][CONTENTS[container]] == 0, "it lies beside the container"


def test_the_gripper_follows_the_actions(made):
    env = made["lift-can"]
    env.reset(seed=0)
    before = env.unwrapped.state["hand"]
    env.step(np.array([0.5, -1.0, -0.4, -1.0], np.float32))
    moved = env.unwrapped.state["hand"] - before
    np.testing.assert_allclose(moved, [0.025, -0.05, -0.02], atol=0.002)
    env.step(np.array([0, 0, 0, 1.0], np.float32))
    assert env.unwrapped.state["fingers"].min() > 0.03
    for direction in (1.0, -1.0):  # the workspace ends above the table
        for _ in range(15):
            env.step(np.array([direction] * 3 + [-1.0], np.float32))
        bound = tabletop.HAND_HIGH if direction > 0 else tabletop.HAND_LOW
        np.testing.assert_allclose(env.unwrapped.state["hand"], bound, atol=0.003)
