"""IQL against a literal implementation, SciPy's expectiles, and cloning."""

import dataclasses

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch

from cds_bench.algorithms import bc, iql, networks
from tests.algorithms import bandit
from tests.algorithms.literally import check
from tests.algorithms.plain import layers, likelihood, mlp
from tests.algorithms.test_every_algorithm import (
    ROWS,
    SEEDS,
    SIZES,
    make_batch,
    make_learner,
    make_noise,
)


def literal(config, learner, batch, step):
    """Each term of each seed, row by row, from the definitions in float64."""
    terms = {"temporal_difference": [], "state_value": [], "policy": []}
    for s in range(SEEDS):
        critics, targets = (
            [layers(net, 2 * s + c) for c in range(2)] for net in (learner.critic, learner.target)
        )
        policy, state_value = layers(learner.policy, s), layers(learner.state_value, s)
        difference, expectile, actor = 0.0, 0.0, 0.0
        for m in range(ROWS):
            state, action, weight = batch.states[s, m], batch.actions[s, m], batch.weight[s, m]
            pair = torch.cat([state, action])
            u = min(mlp(net, pair)[0] for net in targets) - mlp(state_value, state)[0]
            side = config.expectile if u > 0 else 1 - config.expectile
            expectile = expectile + weight * side * u**2

            following = mlp(state_value, batch.next_states[s, m])[0].detach()
            reward = config.reward_scale * batch.rewards[s, m] + config.reward_shift
            goal = reward + config.discount * (1 - batch.terminals[s, m]) * following
            for net in critics:
                difference = difference + weight * (mlp(net, pair)[0] - goal) ** 2

            preference = min(np.exp(config.inverse_temperature * u.item()), config.max_weight)
            limit = 1 - networks.ACTION_MARGIN
            before = torch.atanh(action.clamp(-limit, limit))
            mean, log_std = mlp(policy, state).chunk(2)
            actor = actor - weight * preference * likelihood(mean, log_std, before)
        for name, value in zip(terms, (difference, expectile, actor), strict=True):
            terms[name].append(value / ROWS)
    return {name: torch.stack(values) for name, values in terms.items()}


CASES = {
    "plain": iql.Config(),
    "high expectile": iql.Config(expectile=0.9, inverse_temperature=10.0),
    "affine reward": iql.Config(reward_scale=10.0, reward_shift=-5.0),
    "clipped weights": iql.Config(inverse_temperature=20.0, max_weight=2.0),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES.keys())
def test_losses_and_gradients_equal_the_literal_definition(config):
    trained = {"temporal_difference", "state_value", "policy"}
    check(iql, config, make_learner(iql), 0, literal, trained)


def test_some_weights_are_clipped_and_others_are_not():
    config = CASES["clipped weights"]
    found = iql.advantage_weight(config, torch.tensor([-0.1, 0.0, 0.03, 0.04, 1e6]))
    expected = torch.tensor([np.exp(-2.0), 1.0, np.exp(0.6), 2.0, 2.0], dtype=torch.float32)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("expectile", [0.3, 0.5, 0.7, 0.9])
def test_the_loss_is_least_at_the_expectile(expectile):
    sample = np.random.default_rng(0).normal(size=500)

    def loss(v: float) -> float:
        return iql.expectile_loss(torch.from_numpy(sample - v), expectile).mean().item()

    found = scipy.optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    assert found.x == pytest.approx(scipy.stats.expectile(sample, expectile), abs=1e-4)


def test_the_expectile_of_two_values_in_closed_form():
    """tau (1 - v) = (1 - tau) v, so v = tau for the values 0 and 1, equally often."""
    v = torch.tensor(0.8, requires_grad=True)
    iql.expectile_loss(torch.tensor([0.0, 1.0]) - v, 0.8).sum().backward()
    assert v.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_no_value_depends_on_the_policy():
    """No action outside of the data is evaluated, so another policy changes its own term only."""
    batch, found = make_batch(), []
    for scale in (1.0, 3.0):
        learner = make_learner(iql)
        with torch.no_grad():
            for value in learner.policy.values():
                value.mul_(scale)
        found.append(iql.losses(iql.Config(), learner, batch, make_noise(), step=0))
    for name in ("temporal_difference", "state_value", "q_data"):
        assert torch.equal(*(getattr(terms, name) for terms in found))
    assert not torch.equal(found[0].policy, found[1].policy)


def test_at_infinite_temperature_the_policy_is_cloned():
    learner, batch = make_learner(iql), make_batch()
    config = iql.Config(inverse_temperature=0.0)
    found = iql.losses(config, learner, batch, make_noise(), step=0).policy
    clone = dataclasses.replace(make_learner(bc), policy=learner.policy)
    expected = bc.losses(bc.Config(), clone, batch, make_noise(), step=0).policy
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_state_value_is_a_plain_network_of_the_state(layer_norm):
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    sizes = dataclasses.replace(SIZES, layer_norm=layer_norm)
    state_value = networks.initialise_state_value(generators, sizes, "cpu")
    states = make_batch().states
    found = networks.state_values(state_value, states)
    assert found.shape == (SEEDS, ROWS)
    for s, m in np.ndindex(SEEDS, ROWS):
        expected = mlp(layers(state_value, s), states[s, m])[0]
        torch.testing.assert_close(found[s, m], expected, rtol=1e-4, atol=1e-5)


def test_learns_which_actions_pay():
    """V is the expectile of the payments, and the policy follows."""
    config = iql.Config(
        expectile=0.9, target_rate=0.05, inverse_temperature=5.0, critic_learning_rate=3e-3,
        value_learning_rate=3e-3, policy_learning_rate=3e-3,
    )  # fmt: skip
    learner, states, pay = bandit.train(iql, config, steps=500)
    with torch.no_grad():
        values = networks.state_values(learner.state_value, states)[0]
        mean, _ = networks.policy_distribution(learner.policy, states)
    for i in range(bandit.TASKS):
        expected = scipy.stats.expectile(pay[i], 0.9)
        assert values[i].item() == pytest.approx(expected, abs=0.1)
        assert mean.tanh()[0, i, 0] > pay[i].mean() + 0.3
