"""The frozen policies act like the policies from which they were made."""

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import SAC

import envs
from cds_bench.behaviour.freeze import Bonus
from cds_bench.behaviour.policy import SquashedPolicy, load_snapshots, save_snapshots
from cds_bench.behaviour.sac import squashed


class Box(gymnasium.Env):
    """An environment with spaces of Walker2d's sizes in which nothing happens."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (17,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (6,), np.float32)


@pytest.fixture(scope="module")
def actor():
    architecture = {"pi": [16, 16], "qf": [8, 8]}
    model = SAC("MlpPolicy", Box(), buffer_size=1, policy_kwargs={"net_arch": architecture}, seed=0)
    return model.policy.actor


def test_sac_actions_are_those_of_stable_baselines3(actor):
    """The deterministic actions agree, and so do the sampled ones for the same noise."""
    observations = 3 * np.random.default_rng(0).standard_normal((50, 17))
    noise = np.random.default_rng(1).standard_normal((50, 6)).astype(np.float32)
    policy = squashed(actor)
    with torch.no_grad():
        states = torch.from_numpy(observations).float()
        mean, log_std, _ = actor.get_action_dist_params(states)
        sampled = torch.tanh(mean + log_std.exp() * torch.from_numpy(noise))
        greedy = actor(states, deterministic=True)
    np.testing.assert_allclose(policy.act(observations), greedy, atol=1e-5)
    np.testing.assert_allclose(policy.act(observations, noise), sampled, atol=1e-5)
    assert policy.act(observations).dtype == np.float32
    assert policy.actions == 6


def test_snapshots_of_sac_survive_a_file(actor, tmp_path):
    policy = squashed(actor)
    save_snapshots(tmp_path / "jump.safetensors", [0, 8], [policy, policy])
    steps, policies = load_snapshots(tmp_path / "jump.safetensors")
    assert steps == [0, 8]
    assert all(isinstance(loaded, SquashedPolicy) for loaded in policies)
    np.testing.assert_array_equal(policies[1].w3, policy.w3)


@pytest.mark.parametrize("airborne", [0.0, 1.5])
def test_the_bonus_is_paid_in_training_only(airborne):
    """The wrapped reward adds the alive bonus, and the hop's if nothing touches the ground."""
    plain, paid = envs.make("jump"), Bonus(envs.make("jump"), alive=2.0, airborne=airborne)
    for world in (plain, paid):
        world.reset(seed=1)
    hops, rng = 0, np.random.default_rng(2)
    for _ in range(30):
        action = rng.uniform(-1, 1, 6).astype(np.float32)
        _, reward, terminated, _, _ = plain.step(action)
        hops += plain.unwrapped.airborne
        expected = reward + 2.0 + airborne * plain.unwrapped.airborne
        assert paid.step(action)[1] == pytest.approx(expected, abs=1e-12)
        if terminated:
            break
    assert hops, "some steps must be off the ground"
