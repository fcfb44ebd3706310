"""UTDS against a literal implementation of five critics, and its penalties by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from cds_bench.algorithms import deterministic, gradients, networks, utds
from tests.algorithms import bandit
from tests.algorithms.literally import check
from tests.algorithms.plain import layers, mlp, resting
from tests.algorithms.test_every_algorithm import (
    ACTION,
    ROWS,
    SEEDS,
    make_batch,
    make_learner,
    make_noise,
)

CRITICS = 5
LEARNS, WAITS = 1, 2  # steps in which the policy learns, and does not
CRITIC_TERMS = {"temporal_difference", "out_of_distribution"}


def values_of(nets, state, action):
    return torch.stack([mlp(net, torch.cat([state, action]))[0] for net in nets])


def moved(action, noise, deviation, clip):
    return (action + (deviation * noise).clamp(-clip, clip)).clamp(-1, 1)


def literal(config, learner, batch, step):
    """Each term of each seed, row by row, from the definitions in float64."""
    noise, n = make_noise(), config.actions
    smoothing = noise.normal(ROWS, 1, ACTION).double()
    here, there = (noise.normal(ROWS, n, ACTION).double() for _ in range(2))
    beta = max(config.ood_penalty * config.ood_penalty_decay**step, config.ood_penalty_least)
    names = ("temporal_difference", "out_of_distribution", "policy", "uncertainty")
    terms = {name: [] for name in names}
    for s in range(SEEDS):
        critics, targets = (
            [layers(net, CRITICS * s + c) for c in range(CRITICS)]
            for net in (learner.critic, learner.target)
        )
        policy, target_policy = layers(learner.policy, s), layers(learner.target_policy, s)
        sums = dict.fromkeys(names, 0.0)
        for m in range(ROWS):
            state, following, action, weight = (
                x[s, m] for x in (batch.states, batch.next_states, batch.actions, batch.weight)
            )
            smooth = moved(
                torch.tanh(mlp(target_policy, following)[:ACTION]),
                smoothing[s, m, 0], config.policy_noise, config.noise_clip,
            )  # fmt: skip
            found = values_of(targets, following, smooth)
            reward = config.reward_scale * batch.rewards[s, m] + config.reward_shift
            alive = config.discount * (1 - batch.terminals[s, m])
            goal = (reward + alive * (found - config.penalty * found.std())).detach()
            q = values_of(critics, state, action)
            sums["temporal_difference"] += weight * (q - goal).square().sum()
            sums["uncertainty"] += weight * q.std()

            errors = []
            for x, draws in ((state, here[s, m]), (following, there[s, m])):
                own = torch.tanh(mlp(policy, x)[:ACTION]).detach()
                for each in draws:
                    u = moved(own, each, config.ood_noise, config.noise_clip)
                    q = values_of(critics, x, u)
                    goal = (q - beta * q.std()).detach()
                    if config.ood_floor is not None:
                        goal = goal.clamp(min=config.ood_floor)
                    errors.append((q - goal).square().sum())
            sums["out_of_distribution"] += weight * sum(errors) / (2 * n)

            own = torch.tanh(mlp(policy, state)[:ACTION])
            least = values_of([resting(net) for net in critics], state, own).min()
            sums["policy"] += -weight * least
        for name in names:
            terms[name].append(sums[name] / ROWS)
    return {name: torch.stack(values) for name, values in terms.items()}


CASES = {
    "plain": utds.Config(),
    "large penalty": utds.Config(penalty=2.0, ood_penalty=0.5),
    "floor": utds.Config(ood_floor=0.0),
    "one action, affine reward": utds.Config(actions=1, reward_scale=10.0, reward_shift=-5.0),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES.keys())
def test_losses_and_gradients_equal_the_literal_definition(config):
    check(utds, config, make_learner(utds), LEARNS, literal, {*CRITIC_TERMS, "policy"})


def test_between_its_updates_the_policy_has_no_gradient():
    check(utds, utds.Config(), make_learner(utds), WAITS, literal, CRITIC_TERMS)


def test_each_critic_has_a_target_of_its_own():
    learner, batch = make_learner(utds), make_batch()
    found = utds.backup_targets(utds.Config(penalty=0.0), learner, batch, make_noise())
    assert found.shape == (SEEDS, CRITICS, ROWS)
    ended = (batch.terminals == 1.0).unsqueeze(1).expand_as(found)
    rewards = batch.rewards.unsqueeze(1).expand_as(found)
    assert torch.equal(found[ended], rewards[ended])
    assert (found.std(1)[batch.terminals == 0.0] > 1e-3).all()


@pytest.mark.parametrize("floor", [None, 0.0])
def test_values_are_penalised_by_their_spread(floor):
    values = torch.randn(2, CRITICS, 6, 3, generator=torch.Generator().manual_seed(0))
    found = utds.penalised(values, 0.7, floor).numpy()
    expected = values.numpy() - 0.7 * np.std(values.numpy(), axis=1, ddof=1, keepdims=True)
    if floor is not None:
        expected = np.maximum(expected, floor)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_penalty_outside_of_the_data_falls_to_its_least_value():
    config = utds.Config()
    assert utds.ood_penalty(config, 0) == 3.0
    assert utds.ood_penalty(config, 10_000) == pytest.approx(3.0 * np.exp(-0.5), rel=1e-4)
    assert utds.ood_penalty(config, 10**6) == 0.1


def test_critics_that_agree_pay_no_penalty():
    learner, config = make_learner(utds), utds.Config(penalty=5.0)
    with torch.no_grad():
        for name, value in learner.critic.items():
            value.copy_(value[::CRITICS].repeat_interleave(CRITICS, dim=0))
            learner.target[name].copy_(value)
    terms = utds.losses(config, learner, make_batch(), make_noise(), LEARNS)
    for term in (terms.out_of_distribution, terms.uncertainty):
        torch.testing.assert_close(term, torch.zeros(SEEDS), rtol=0.0, atol=1e-10)


def test_the_value_is_the_least_of_five():
    learner, batch = make_learner(utds), make_batch()
    found = utds.value(learner, batch.states, batch.actions)
    for s, m in np.ndindex(SEEDS, ROWS):
        nets = [layers(learner.critic, CRITICS * s + c) for c in range(CRITICS)]
        expected = values_of(nets, batch.states[s, m], batch.actions[s, m]).min()
        torch.testing.assert_close(found[s, m], expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("blocks", [1, 7])
def test_blocks_of_an_ensemble_give_what_one_pass_gives(blocks, monkeypatch):
    learner, batch = make_learner(utds), make_batch()
    actions = batch.actions.unsqueeze(2).repeat(1, 1, 3, 1)
    monkeypatch.setattr(gradients, "CACHED_ACTIVATIONS", SEEDS * CRITICS * ROWS * 3 * 8 // blocks)
    found = gradients.values(learner.critic, batch.states, actions)
    expected = networks.q_values(learner.critic, batch.states, actions)
    assert found.shape == (SEEDS, CRITICS, ROWS, 3)
    torch.testing.assert_close(found, expected.detach())


def test_options_reach_the_number_of_actions():
    config = dataclasses.replace(utds.Config(), actions=2)
    actions = utds.uncertain_actions(
        config, make_learner(utds), make_batch().next_states, make_noise()
    )
    assert actions.shape == (SEEDS, ROWS, 2, ACTION)
    assert not actions.requires_grad


def test_learns_which_actions_pay():
    """The policy goes up the least of five values, and the values are near the payments."""
    config = utds.Config(
        critic_learning_rate=3e-3, policy_learning_rate=3e-3, ood_penalty_decay=0.99
    )
    learner, states, _ = bandit.train(utds, config, steps=500)
    actions = deterministic.policy_actions(learner.policy, states)
    assert (actions[..., 0] > 0.5).all()
    inside = torch.zeros_like(actions)
    inside[..., 0] = 0.4
    values = utds.value(learner, states, inside)
    torch.testing.assert_close(values, torch.full_like(values, 0.4), rtol=0.0, atol=0.1)
