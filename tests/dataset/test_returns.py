"""Returns-to-go against a plain loop and closed forms."""

import time

import numpy as np
import pytest

from cds_bench.dataset.returns import returns_to_go


def looped(rewards, terminals, ends, discount, after=0.0):
    """The returns, computed row by row from the last to the first."""
    returns = np.zeros(rewards.shape)
    for row in reversed(range(len(rewards))):
        if ends[row]:
            following = np.full(rewards.shape[1], after)
        following = rewards[row] + discount * (1 - terminals[row]) * following
        returns[row] = following
    return returns


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("often", [0.05, 0.5, 1.0])
def test_returns_equal_those_of_a_plain_loop(discount, often):
    rng = np.random.default_rng(0)
    rewards = rng.normal(size=(300, 3)).astype(np.float32)
    terminals = (rng.random((300, 3)) < 0.1).astype(np.float32)
    ends = np.append(rng.random(299) < often, True)
    for after in (0.0, -50.0):
        found = returns_to_go(rewards, terminals, ends, discount, after)
        expected = looped(rewards, terminals, ends, discount, after)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_two_episodes_by_hand():
    """A terminal of one task inside the episode ends the return of that task only."""
    rewards = np.float32([[1, 0], [1, 0], [1, 8], [0, 4], [2, 0]])
    terminals = np.float32([[0, 0], [1, 0], [0, 0], [0, 0], [0, 1]])
    ends = np.array([False, False, True, False, True])
    expected = [[1.5, 2], [1, 4], [1, 8], [1, 4], [2, 0]]
    np.testing.assert_array_equal(returns_to_go(rewards, terminals, ends, 0.5), expected)


def test_a_constant_reward_is_a_geometric_series():
    ends = np.arange(1000) == 999
    found = returns_to_go(np.ones((1000, 1), np.float32), np.zeros((1000, 1)), ends, 0.99)
    expected = (1 - 0.99 ** np.arange(1000, 0, -1)) / (1 - 0.99)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


def test_a_million_transitions_of_seven_tasks_take_seconds():
    rows = 1_000_000
    rewards = np.ones((rows, 7), np.float32)
    began = time.process_time()
    returns_to_go(rewards, np.zeros_like(rewards), np.arange(rows) % 1000 == 999, 0.99)
    assert time.process_time() - began < 10.0
