"""The skill of reaching a point: its features, reward and termination."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs import reach
from envs.maze import FRAME_SKIP
from envs.reach import features
from tests.envs.mazes import MASS, ONE_EACH, SECONDS

# The skill of reaching


def turned(state, goal, angle):
    """A state of the ant and a goal after turning the whole world about the origin."""
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
def test_features_do_not_depend_on_the_compass_direction(seed, angle):
    """Turning the world changes no feature, and the physics turns with it.

    The second part shows that the free joint's angular velocity is in the torso's frame, because
    `features` does not turn it.
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
    assert not np.allclose(*after[0], atol=1e-2), "the ant must move"


def test_features_give_the_goal_in_the_ants_frame():
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


def test_progress_is_the_decrease_of_the_distance_per_second(ant):
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
    """The ant is placed in mid-air or inside the floor, which is switched off for the step."""
    monkeypatch.setattr(ant.model.opt, "disableflags", mujoco.mjtDisableBit.mjDSBL_CONTACT)
    ant.reset(seed=0)
    ant.data.qpos[2:7] = height, np.cos(roll_angle / 2), np.sin(roll_angle / 2), 0.0, 0.0
    ant.data.qvel[:] = 0.0
    _, _, terminated, _, info = ant.step(np.zeros(8))
    assert terminated == ends
    columns = {f"infos/{name}": np.array([value]) for name, value in info.items()}
    assert reach.fallen(columns)[0] == ends


def test_the_duration_of_a_step_is_the_described_one(worlds, ant):
    for body, env in (("point", worlds[ONE_EACH[0]]), ("ant", worlds[ONE_EACH[1]]), ("ant", ant)):
        assert env.model.opt.timestep * FRAME_SKIP[body] == pytest.approx(SECONDS[body])
        assert env.model.body_mass.sum() == pytest.approx(MASS) or body == "ant"
