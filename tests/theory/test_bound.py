"""The bound's terms in closed form; its minimum against exhaustive and continuous search."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from cds_bench.theory.bound import gain_alone, optimise, terms, zeta
from cds_bench.theory.cql import Solution, solve
from cds_bench.theory.strategies import STRATEGIES, share
from tests.theory.test_strategies import ALPHA, DISCOUNT, random_target, two_states

__all__ = ["two_states"]  # the fixture
CONSTANT = 0.7


def test_the_terms_of_a_clone(two_states):
    model = two_states.model(np.zeros((1, 2, 3)))
    found = terms(two_states, model, Solution(model.behaviour, np.empty(0)), ALPHA)
    assert found.divergence == pytest.approx(0)
    assert found.conservatism == pytest.approx(0)
    assert found.scarcity == found.sampling == pytest.approx(np.sqrt(3 / 30))
    assert found.gain == pytest.approx(0)
    assert found.value == found.behaviour_value == pytest.approx(0.2 / (1 - DISCOUNT))
    assert found.zeta(CONSTANT) == pytest.approx(CONSTANT * np.sqrt(3 / 30))


def test_the_terms_of_two_states_in_closed_form(two_states):
    """Every action leaves state 0, so d(0) = 1 / (1 + discount) under every policy."""
    model = two_states.model(np.ones((1, 2, 3)))
    policy = np.array([[[0.5, 0.5, 0], [1, 0, 0]]])
    found = terms(two_states, model, Solution(policy, np.empty(0)), ALPHA)
    visits = 1 / (1 + DISCOUNT)
    away = 0.5 * (0.5 / 0.5) + 0.5 * (0.5 / (1 / 6)) - 1
    assert found.divergence == pytest.approx(visits * away)
    assert found.conservatism == pytest.approx(ALPHA / (1 - DISCOUNT) * visits * away)
    expected = visits * np.sqrt(3 / 60) + (1 - visits) * np.sqrt(3 / 30)
    assert found.scarcity == pytest.approx(expected)
    expected = visits * np.sqrt(3 / 60 * (away + 1)) + (1 - visits) * np.sqrt(3 / 30)
    assert found.sampling == pytest.approx(expected)

    def value(first_reward):
        return (first_reward + DISCOUNT * 0.2) / (1 - DISCOUNT**2)

    assert found.value == found.predicted == pytest.approx(value(0.5 * 0.2 + 0.5 * 1))
    assert found.effective_value == pytest.approx(value(0.2 / 2 + 1 / 6))
    assert found.behaviour_value == pytest.approx(value(0.2))


def test_the_optimal_weights_of_two_pairs_by_exhaustive_search(two_states):
    starts = [np.zeros((1, 2, 3)), np.ones((1, 2, 3))]
    found = optimise(two_states, starts, ALPHA, CONSTANT)
    grid = np.linspace(0, 1, 21)
    tried = np.zeros((len(grid) ** 2, 1, 2, 3))
    tried[:, 0, 0, 1:] = list(product(grid, grid))
    all_zetas = [zeta(two_states, weights, ALPHA, CONSTANT)[0][0] for weights in tried]
    reached = zeta(two_states, found.weights, ALPHA, CONSTANT)[0][0]
    assert reached <= min(all_zetas) + 1e-6
    assert found.weights[0, 0, 1] == 1  # the good action
    assert found.weights[0, 0, 2] == 0  # the bad one
    assert found.effect[0, 0, 1] < 0 < found.effect[0, 0, 2]
    assert not found.effect[0, 1].any()  # no candidates there


@pytest.mark.parametrize("seed", [0, 1])
def test_the_optimum_is_no_worse_than_strategies_and_near_a_continuous_search(seed):
    target = random_target(seed)
    starts = [share(rule, target, ALPHA, 4).weights for rule in STRATEGIES.values()]
    reached = zeta(target, optimise(target, starts, ALPHA, CONSTANT).weights, ALPHA, CONSTANT)[0]
    others = [zeta(target, weights, ALPHA, CONSTANT)[0] for weights in starts]
    assert (reached <= np.min(others, axis=0) + 1e-12).all()
    offered = target.candidates > 0

    def objective(free):
        weights = np.zeros_like(target.rewards)
        weights[offered] = free
        return zeta(target, weights, ALPHA, CONSTANT)[0][0]

    for first in (starts[int(np.argmin(others))][offered], np.full(offered.sum(), 0.5)):
        result = minimize(
            objective, first, method="L-BFGS-B", bounds=[(0, 1)] * len(first),
            options={"maxiter": 30},
        )  # fmt: skip
        assert reached[0] <= result.fun + 0.02 * abs(result.fun)


def test_the_gain_from_sharing_one_pair(two_states):
    found = gain_alone(two_states, ALPHA)[0]
    assert np.isnan(found[1]).all()
    assert np.isnan(found[0, 0])
    assert found[0, 1] > 0 >= found[0, 2] > -2
    weights = np.zeros((1, 2, 3))
    weights[0, 0, 1] = 1
    learned = solve(two_states.model(weights), ALPHA, DISCOUNT).policy
    cloned = two_states.value(two_states.behaviour)
    assert found[0, 1] == pytest.approx((two_states.value(learned) - cloned)[0])
