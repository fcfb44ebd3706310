"""The scripted behaviours: their success, and that the generator is their only randomness."""

import numpy as np
import pytest

import envs
from cds_bench.behaviour.manipulation import SKILLS, demonstrations, expert, recipes, turned, wide
from cds_bench.behaviour.rollout import Behaviour, episode
from envs import manipulation

TASKS = sorted(manipulation.TASKS)


@pytest.fixture(scope="module")
def made():
    found = {task: envs.make(task) for task in TASKS}
    yield found
    for env in found.values():
        env.close()


def solved(env, behaviour: Behaviour, episodes: int, steps: int) -> float:
    """The share of episodes that have a reward in their first `steps` steps."""
    parts = [
        episode(env, behaviour, np.random.default_rng(seed), limit=steps)["rewards"].max()
        for seed in range(episodes)
    ]
    return float(np.mean(parts))


def test_every_task_has_a_skill():
    assert set(SKILLS) == set(manipulation.TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_the_script_solves_its_task(made, task):
    assert solved(made[task], expert(task), episodes=10, steps=250) >= 0.9
    assert solved(made[task], demonstrations(task), episodes=5, steps=250) >= 0.8


@pytest.mark.parametrize("task", TASKS)
def test_the_task_stays_solved(made, task):
    columns = episode(made[task], expert(task), np.random.default_rng(0))
    assert (columns["rewards"][-100:] == 1).all()


@pytest.mark.parametrize("task", ["door-open", "drawer-close"])
def test_wide_behaviour_solves_some_episodes(made, task):
    assert 0 < solved(made[task], wide(task), episodes=20, steps=500) < 1


def test_wide_behaviour_moves_both_objects(made):
    parts = [
        episode(made["door-open"], wide("door-open"), np.random.default_rng(seed))
        for seed in range(12)
    ]
    for name in manipulation.INFOS:
        assert any(np.ptp(part[f"infos/{name}"]) > 0.1 for part in parts)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("behaviour", [expert, demonstrations, wide])
def test_actions_are_bounded_and_depend_on_the_generator_only(made, behaviour, task):
    """Actions are float32 in [-1, 1]. The same generator gives the same ones; others differ."""
    runs = [
        episode(made[task], behaviour(task), np.random.default_rng(seed), limit=80)
        for seed in (0, 0, 1)
    ]
    assert runs[0]["actions"].dtype == np.float32
    assert np.abs(runs[0]["actions"]).max() <= 1
    np.testing.assert_array_equal(runs[0]["actions"], runs[1]["actions"])
    assert (runs[0]["actions"] != runs[2]["actions"]).any()
    act = behaviour(task).begin(np.random.default_rng(0))
    observation, _ = made[task].reset(seed=0)
    assert act(observation, np.random.default_rng(0)).dtype == np.float32


def test_acting_does_not_change_the_observation(made):
    observation, _ = made["door-open"].reset(seed=0)
    kept, rng = observation.copy(), np.random.default_rng(0)
    for _ in range(20):  # movements of every kind
        act = wide("door-open").begin(rng)
        act(observation, rng)
    np.testing.assert_array_equal(observation, kept)


@pytest.mark.parametrize("quality", ["wide", "demonstrations", "expert"])
def test_recipes_name_their_noise(quality):
    (recipe,) = recipes(None, "door-open", quality)
    assert recipe.about["policy"] == "script"
    assert "noise" in recipe.about


def test_turned_turns_anticlockwise():
    np.testing.assert_allclose(turned((1.0, 0.0), np.pi / 2), [0.0, 1.0], atol=1e-12)
