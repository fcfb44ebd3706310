"""The Walker2d environments. Stored columns must reproduce their rewards and terminals."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from cds_bench.behaviour.rollout import episode, uniform

TASKS = sorted(envs.locomotion.TASKS)


@pytest.fixture(scope="module")
def short():
    """Every task's environment with a limit of 12 steps, so that timeouts and falls both occur."""
    made = {task: envs.make(task, max_episode_steps=12) for task in TASKS}
    yield made
    for env in made.values():
        env.close()


@pytest.mark.parametrize("task", TASKS)
def test_gymnasium_accepts_the_environment(task):
    env = envs.make(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*(infinity|not within the).*")  # Walker2d-v5's own
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("task", TASKS)
def test_ids_are_registered_with_the_horizon(task):
    env = gymnasium.make(f"envs.walker2d:{envs.TASKS[task].env_id}")
    assert env.spec.max_episode_steps == envs.TASKS[task].horizon
    assert env.observation_space.shape == (17,)
    assert env.action_space.shape == (6,)
    assert (env.action_space.low == -1).all()
    assert (env.action_space.high == 1).all()
    env.close()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31))
def test_columns_of_any_task_recompute_every_tasks_reward(short, seed):
    """One action sequence gives the same physics in all environments, and each task's reward."""
    episodes = {
        task: episode(env, uniform(6), np.random.default_rng(seed)) for task, env in short.items()
    }
    for collected, columns in episodes.items():
        for task, own in episodes.items():
            np.testing.assert_array_equal(columns["observations"], own["observations"])
            reward, terminal = envs.TASKS[task].reward(columns), envs.TASKS[task].terminal(columns)
            np.testing.assert_allclose(reward, own["rewards"], atol=1e-6, rtol=0, err_msg=collected)
            np.testing.assert_array_equal(terminal, own["terminals"], err_msg=collected)


def test_falls_and_timeouts_both_occur(short):
    """Otherwise the test above would cover less than it claims."""
    for env in short.values():
        parts = [episode(env, uniform(6), np.random.default_rng(k)) for k in range(30)]
        assert any(part["terminals"][-1] for part in parts)
        assert any(part["timeouts"][-1] for part in parts)


def test_termination_is_gymnasiums():
    """An episode ends exactly when it ends in gymnasium's Walker2d-v5, and at the same velocity."""
    ours, theirs = envs.make("jump"), gymnasium.make("Walker2d-v5")
    rng = np.random.default_rng(0)
    for _ in range(5):
        seed, done = int(rng.integers(2**31)), False
        ours.reset(seed=seed)
        theirs.reset(seed=seed)
        while not done:
            action = rng.uniform(-1, 1, 6).astype(np.float32)
            _, _, done, _, info = ours.step(action)
            _, _, expected, _, walker = theirs.step(action)
            assert done == expected
            assert info["x_velocity"] == walker["x_velocity"]
    ours.close()
    theirs.close()


def test_rewards_are_the_stated_equations():
    columns = {
        "actions": np.array([[1.0, 0, 0, 0, 0, 0], [0.5] * 6], np.float32),
        "infos/x_velocity": np.array([2.0, -3.0]),
        "infos/height": np.array([1.25, 1.45]),
        "infos/pitch": np.zeros(2),
    }
    cost = np.array([0.001, 0.0015])
    expected = {
        "run-forward": [2.0, -3.0] - cost,
        "run-backward": [-2.0, 3.0] - cost,
        "jump": [-2.0, -3.0 + 2.0] - cost,
    }
    for task, reward in expected.items():
        np.testing.assert_allclose(envs.TASKS[task].reward(columns), reward, atol=1e-12)


@pytest.mark.parametrize(
    ("height", "pitch", "fallen"),
    [(1.25, 0, False), (0.8, 0, True), (2.0, 0, True), (1.25, 1.0, True), (1.25, -1.0, True)],
)
def test_fallen_at_the_limits(height, pitch, fallen):
    columns = {"infos/height": np.array([height]), "infos/pitch": np.array([float(pitch)])}
    assert envs.locomotion.fallen(columns)[0] == fallen


def test_airborne_means_that_nothing_touches_the_ground():
    """The property is compared with MuJoCo's contacts one by one, over falls and hops."""
    world = envs.make("jump")
    model, data, found = world.unwrapped.model, world.unwrapped.data, []
    rng = np.random.default_rng(0)
    world.reset(seed=0)
    for _ in range(300):
        *_, terminated, truncated, _ = world.step(rng.uniform(-1, 1, 6))
        pairs = [{model.geom(g).name for g in data.contact[k].geom} for k in range(data.ncon)]
        found.append(world.unwrapped.airborne)
        assert found[-1] == (not any("floor" in pair for pair in pairs))
        if terminated or truncated:
            world.reset()
    assert 0 < sum(found) < len(found), "both occur"
    world.close()
