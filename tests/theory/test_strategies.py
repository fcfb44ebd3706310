"""Weights in known cases, and the effective behaviour policy that each strategy leads to."""

from dataclasses import replace

import numpy as np
import pytest

from cds_bench.theory import mdp
from cds_bench.theory.strategies import STRATEGIES, Target, share, threshold, weigh

DISCOUNT, ALPHA = 0.9, 0.2


@pytest.fixture
def two_states():
    """Own data take the poor action of state 0; other tasks' data also take the good one.

    The good action pays 1. Other tasks' data also offer the third action of state 0, which pays
    nothing. State 1 has only own data.
    """
    transitions = np.zeros((1, 2, 3, 2))
    transitions[0, 0, :, 1] = transitions[0, 1, :, 0] = 1
    rewards = np.array([[[0.2, 1.0, 0.0], [0.2, 0.0, 0.0]]])
    own, foreign = np.zeros((1, 2, 3, 2)), np.zeros((1, 2, 3, 2))
    own[0, 0, 0, 1], own[0, 1, 0, 0] = 30, 30
    foreign[0, 0, 1, 1], foreign[0, 0, 2, 1] = 10, 20
    behaviour = np.array([[[1.0, 0, 0], [1, 0, 0]]])
    start = np.array([[1.0, 0.0]])
    return Target(transitions, start, rewards, behaviour, own, foreign, DISCOUNT)


def random_target(seed, size=60):
    rng = np.random.default_rng(seed)
    world = mdp.draw(rng, 5, 3, 3, 0.2, 0.3, DISCOUNT)
    visits = mdp.sample(rng, world, size)[None].astype(float)
    first = world.rewards[:1], world.behaviour[:1]
    data = visits[:, 0], visits[:, 1:].sum(1)
    return Target(world.transitions[None], world.start[None], *first, *data, DISCOUNT)


def test_the_effective_behaviour_of_two_states(two_states):
    expected = {"no_sharing": [1, 0, 0], "sharing_all": [1 / 2, 1 / 6, 1 / 3]}
    for name, behaviour in expected.items():
        found = share(STRATEGIES[name], two_states, ALPHA, rounds=5)
        np.testing.assert_allclose(found.model.behaviour[0, 0], behaviour)
    for name in ("cds_basic", "oracle"):
        found = share(STRATEGIES[name], two_states, ALPHA, rounds=5)
        np.testing.assert_array_equal(found.weights[0, 0, 1:], [1, 0])
        np.testing.assert_allclose(found.model.behaviour[0, 0], [3 / 4, 1 / 4, 0])
        assert found.change == 0
    soft = share(STRATEGIES["cds"], two_states, ALPHA, rounds=5).weights[0, 0]
    assert 0 < soft[2] < 0.5 < soft[1] < 1


def test_the_good_action_is_learned_from_what_was_shared(two_states):
    cloned = two_states.value(two_states.behaviour)
    assert cloned == pytest.approx(0.2 / (1 - DISCOUNT))
    alone = share(STRATEGIES["no_sharing"], two_states, ALPHA, 1).solution.policy
    assert two_states.value(alone) == pytest.approx(cloned)
    shared = share(STRATEGIES["cds_basic"], two_states, 1e-4, 5).solution.policy
    best = (1.0 + DISCOUNT * 0.2) / (1 - DISCOUNT**2)
    assert two_states.value(shared) == pytest.approx(best)


def test_soft_weights_in_closed_form():
    delta = np.array([[[-1.0, 3.0, 50.0]]])
    candidates = np.array([[[3.0, 1.0, 0.0]]])
    tau = (3 * 1 + 1 * 3) / 4
    found = weigh(STRATEGIES["cds"], delta, candidates)
    np.testing.assert_allclose(found[0, 0, :2], 1 / (1 + np.exp([1 / tau, -3 / tau])))
    nowhere = weigh(STRATEGIES["cds"], 0 * delta, candidates)
    np.testing.assert_array_equal(nowhere, 0.5)


def test_hard_weights_take_the_threshold_itself():
    delta = np.array([[[-1e-9, 0.0, 1.0]]])
    np.testing.assert_array_equal(weigh(STRATEGIES["cds_basic"], delta, delta), [[[0, 1, 1]]])


@pytest.mark.parametrize("percentile", [None, 0, 50, 90, 100])
def test_thresholds_are_numpys_over_the_transitions(percentile):
    rng = np.random.default_rng(0)
    q, counts = rng.random((4, 3, 2)), rng.integers(0, 5, (4, 3, 2))
    found = threshold(q, counts.astype(float), percentile)
    assert found.shape == (4, 1, 1)
    for row in range(4):
        values = np.repeat(q[row].ravel(), counts[row].ravel())
        expected = values.mean() if percentile is None else np.percentile(values, percentile)
        assert found[row, 0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("name", STRATEGIES)
def test_weights_lie_in_the_unit_interval_and_own_data_are_kept(name):
    target = random_target(3)
    found = share(STRATEGIES[name], target, ALPHA, rounds=4)
    again = share(STRATEGIES[name], target, ALPHA, rounds=4)
    np.testing.assert_array_equal(found.weights, again.weights)
    assert 0 <= found.weights.min() <= found.weights.max() <= 1
    own = target.own.sum(-1)
    np.testing.assert_allclose(found.model.counts, own + found.weights * target.candidates)


def test_the_ninetieth_percentile_shares_less_than_the_mean():
    target = random_target(4)
    shared = {
        name: (share(STRATEGIES[name], target, ALPHA, 4).weights * target.candidates).sum()
        for name in STRATEGIES
    }
    assert shared["cds_k90"] < shared["cds"]
    assert shared["cds_basic_k90"] < shared["cds_basic"]


def test_the_oracle_uses_the_true_mdp(two_states):
    """Other data claim that the third action stays in state 0; the oracle is not misled."""
    misled = two_states.foreign.copy()
    misled[0, 0, 2] = [20, 0]
    elsewhere = replace(two_states, rewards=np.array([[[0.2, 0.0, 0.1], [1.0, 0.0, 0.0]]]))
    oracle = share(STRATEGIES["oracle"], elsewhere, ALPHA, 5)
    again = share(STRATEGIES["oracle"], replace(elsewhere, foreign=misled), ALPHA, 5)
    np.testing.assert_array_equal(oracle.weights, again.weights)
    critic = share(STRATEGIES["cds"], elsewhere, ALPHA, 5).weights[0, 0, 2]
    assert (
        share(STRATEGIES["cds"], replace(elsewhere, foreign=misled), ALPHA, 5).weights[0, 0, 2]
        < critic
    )
