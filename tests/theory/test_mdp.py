"""Exact values against closed forms and other methods, and random worlds and their data."""

import numpy as np
import pytest

from cds_bench.theory import mdp

DISCOUNT = 0.9


def world(seed=0, coverage=0.2, overlap=0.3, states=6, actions=3):
    rng = np.random.default_rng(seed)
    return mdp.draw(rng, states, actions, 3, coverage, overlap, DISCOUNT)


def test_values_of_two_states_in_closed_form():
    """State 0 pays 0.2 and leaves with probability 0.3; state 1 pays 1 forever."""
    transitions = np.array([[[0.7, 0.3]], [[0.0, 1.0]]])
    rewards = np.array([[0.2], [1.0]])
    forever = 1 / (1 - DISCOUNT)
    first = (0.2 + DISCOUNT * 0.3 * forever) / (1 - DISCOUNT * 0.7)
    values = mdp.evaluate(transitions, rewards, np.ones((2, 1)), DISCOUNT)
    np.testing.assert_allclose(values, [first, forever])


def test_occupancy_of_two_states_in_closed_form():
    transitions = np.array([[[0.7, 0.3]], [[0.0, 1.0]]])
    visits = mdp.occupancy(transitions, np.ones((2, 1)), np.array([1.0, 0.0]), DISCOUNT)
    first = (1 - DISCOUNT) / (1 - DISCOUNT * 0.7)
    np.testing.assert_allclose(visits, [first, 1 - first])


@pytest.mark.parametrize("seed", range(5))
def test_policy_iteration_agrees_with_value_iteration(seed):
    drawn = world(seed)
    policy, values = mdp.optimal(drawn.transitions[None], drawn.rewards, DISCOUNT)
    for task, rewards in enumerate(drawn.rewards):
        iterated = np.zeros(6)
        for _ in range(500):
            iterated = (rewards + DISCOUNT * drawn.transitions @ iterated).max(-1)
        np.testing.assert_allclose(values[task], iterated, atol=1e-8)
        achieved = mdp.evaluate(drawn.transitions, rewards, policy[task], DISCOUNT)
        np.testing.assert_allclose(achieved, iterated, atol=1e-8)


def test_occupancy_and_values_give_the_same_return():
    drawn = world()
    behaviour, rewards = drawn.behaviour[1], drawn.rewards[1]
    visits = mdp.occupancy(drawn.transitions, behaviour, drawn.start, DISCOUNT)
    by_visits = (visits[:, None] * behaviour * rewards).sum() / (1 - DISCOUNT)
    values = mdp.evaluate(drawn.transitions, rewards, behaviour, DISCOUNT)
    assert by_visits == pytest.approx(drawn.start @ values)


def test_a_world_holds_distributions():
    drawn = world()
    for distribution in (drawn.transitions, drawn.start, drawn.behaviour):
        assert (distribution >= 0).all()
        np.testing.assert_allclose(distribution.sum(-1), 1)
    assert ((drawn.transitions > 0).sum(-1) <= mdp.SUCCESSORS).all()
    assert 0 <= drawn.rewards.min() <= drawn.rewards.max() <= 1
    assert (drawn.rewards.max((-1, -2)) > 0).all()


def test_full_coverage_is_uniform_and_full_overlap_is_common():
    np.testing.assert_allclose(world(coverage=1.0).behaviour, 1 / 3)
    common = world(coverage=0.0, overlap=1.0).behaviour
    np.testing.assert_allclose(common[0], common[1])
    apart = world(coverage=0.0, overlap=0.0).behaviour
    assert np.abs(apart[0] - apart[1]).max() > 0.1


def test_data_follow_the_behaviour_and_the_dynamics():
    drawn, size = world(coverage=0.5), 200_000
    counts = mdp.sample(np.random.default_rng(1), drawn, size)
    assert (counts.sum((-1, -2, -3)) == size).all()
    assert not counts[:, drawn.transitions == 0].any()
    visits = mdp.occupancy(drawn.transitions, drawn.behaviour[2], drawn.start, DISCOUNT)
    expected = visits[:, None, None] * drawn.behaviour[2][..., None] * drawn.transitions
    np.testing.assert_allclose(counts[2] / size, expected, atol=0.005)
