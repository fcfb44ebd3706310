"""Conservative policy iteration against closed forms, brute force and general optimisers."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize

from cds_bench.theory import cql, mdp

DISCOUNT = 0.9


def bandit(rewards, behaviour):
    """The model of one state whose data have these shares."""
    rewards = np.array([rewards], float)
    behaviour = np.array([behaviour], float)
    return cql.Model(100 * behaviour, behaviour, np.ones((*rewards.shape, 1)), rewards)


def random_model(seed, states=4, actions=3):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.5, (states, actions, states)).astype(float)
    return cql.empirical(
        counts, np.zeros_like(counts), np.zeros((states, actions)), rng.random((states, actions))
    )


def random_policy(rng, model):
    policy = model.behaviour * rng.random(model.behaviour.shape)
    return policy / policy.sum(-1, keepdims=True)


def test_a_bandit_in_closed_form():
    """pi = beta (1 + (r - mean r) / (2 alpha)) if no action drops out."""
    behaviour, rewards, alpha = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.4, 0.6]), 0.5
    solution = cql.solve(bandit(rewards, behaviour), alpha, DISCOUNT)
    above = rewards - behaviour @ rewards
    np.testing.assert_allclose(solution.policy[0], behaviour * (1 + above / (2 * alpha)))
    spread = behaviour @ above**2
    expected = behaviour @ rewards + spread / (2 * alpha) - spread / (4 * alpha)
    np.testing.assert_allclose(solution.values, expected / (1 - DISCOUNT))


@pytest.mark.parametrize("seed", range(6))
def test_improvement_is_the_optimum_that_a_general_optimiser_finds(seed):
    rng = np.random.default_rng(seed)
    behaviour, q = rng.dirichlet(np.ones(4)), 3 * rng.random(4)
    behaviour[seed % 4] = 0.0
    behaviour /= behaviour.sum()
    alpha = [0.05, 0.3, 2.0][seed % 3]

    def objective(policy):
        return policy @ q - alpha * cql.divergence(policy, behaviour)

    support = behaviour > 0
    result = minimize(
        lambda policy: -objective(np.where(support, policy, 0)), behaviour, method="SLSQP",
        bounds=[(0, float(inside)) for inside in support], options={"ftol": 1e-14},
        constraints={"type": "eq", "fun": lambda policy: policy.sum() - 1},
    )  # fmt: skip
    policy = cql.improve(q, behaviour, alpha)
    assert policy.sum() == pytest.approx(1)
    assert policy[~support] == 0
    assert objective(policy) >= -result.fun - 1e-9
    np.testing.assert_allclose(policy, result.x, atol=2e-3)


def test_a_small_alpha_is_greedy_on_the_data_and_a_large_one_clones_them():
    behaviour, q = np.array([0.6, 0.4, 0.0]), np.array([1.0, 2.0, 9.0])
    np.testing.assert_allclose(cql.improve(q, behaviour, 1e-6), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(cql.improve(q, behaviour, 1e6), behaviour, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_penalised_fixed_point_by_brute_force(seed):
    """Solves one linear system over all pairs; loops write out the equation of Qhat."""
    model, alpha = random_model(seed), 0.3
    policy = random_policy(np.random.default_rng(seed), model)
    states, actions = policy.shape
    pairs = list(product(range(states), range(actions)))
    system, right = np.eye(len(pairs)), np.zeros(len(pairs))
    for row, (s, a) in enumerate(pairs):
        if model.behaviour[s, a] > 0:
            right[row] = -alpha * (policy[s, a] / model.behaviour[s, a] - 1)
        right[row] += model.rewards[s, a]
        for column, (next_s, next_a) in enumerate(pairs):
            system[row, column] -= (
                DISCOUNT * model.transitions[s, a, next_s] * policy[next_s, next_a]
            )
    q = np.linalg.solve(system, right).reshape(states, actions)
    values = cql.evaluate_conservatively(model, policy, alpha, DISCOUNT)
    np.testing.assert_allclose(values, (policy * q).sum(-1))
    known = model.counts > 0
    found = cql.critic(model, model, cql.Solution(policy, values), alpha, DISCOUNT)
    np.testing.assert_allclose(found[known], q[known])


def test_two_states_by_a_search_over_all_policies():
    counts = np.array([[[6.0, 2], [1, 5]], [[3, 1], [0, 4]]])
    rewards, alpha = np.array([[0.1, 0.0], [0.9, 0.5]]), 0.2
    model = cql.empirical(counts, np.zeros_like(counts), np.zeros((2, 2)), rewards)
    grid = np.linspace(0, 1, 201)
    first, second = (axis.ravel() for axis in np.meshgrid(grid, grid))
    policies = np.stack([np.stack([p, 1 - p], -1) for p in (first, second)], 1)
    values = cql.evaluate_conservatively(model, policies, alpha, DISCOUNT)
    best = values.sum(-1).argmax()
    solution = cql.solve(model, alpha, DISCOUNT)
    np.testing.assert_allclose(solution.policy, policies[best], atol=0.005)
    assert (solution.values >= values[best] - 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_policy_of_the_data_is_better(seed):
    model, rng, alpha = random_model(seed), np.random.default_rng(seed), 0.1
    solution = cql.solve(model, alpha, DISCOUNT)
    for _ in range(50):
        policy = random_policy(rng, model)
        other = cql.evaluate_conservatively(model, policy, alpha, DISCOUNT)
        assert (solution.values >= other - 1e-9).all()
    assert not solution.policy[model.behaviour == 0].any()


def test_the_start_of_the_iteration_does_not_matter():
    model = random_model(1)
    first = cql.solve(model, 0.2, DISCOUNT)
    other = cql.solve(model, 0.2, DISCOUNT, 10 * np.random.default_rng(0).random(4))
    np.testing.assert_allclose(first.policy, other.policy, atol=1e-7)


def test_without_data_a_state_is_worth_nothing_and_a_weight_scales_data():
    own, foreign = np.zeros((2, 2, 2, 2))
    own[0, 0] = [3, 1]
    foreign[0, 0], foreign[0, 1], foreign[1, 1] = [0, 4], [2, 0], [0, 5]
    rewards = np.ones((2, 2))
    alone = cql.empirical(own, foreign, np.zeros((2, 2)), rewards)
    np.testing.assert_array_equal(alone.behaviour, [[1, 0], [0.5, 0.5]])
    assert mdp.evaluate(alone.transitions, alone.rewards, alone.behaviour, DISCOUNT)[1] == 0
    half = cql.empirical(own, foreign, np.full((2, 2), 0.5), rewards)
    np.testing.assert_array_equal(half.counts, [[6, 1], [0, 2.5]])
    np.testing.assert_allclose(half.behaviour, [[6 / 7, 1 / 7], [0, 1]])
    np.testing.assert_allclose(half.transitions[0, 0], [0.5, 0.5])


def test_a_pair_without_effective_data_gets_its_value_from_offered_transitions():
    own, foreign = np.zeros((2, 2, 2, 2))
    own[0, 0], own[1, 0] = [0, 4], [0, 4]
    foreign[0, 1] = [1, 3]
    rewards = np.array([[0.0, 0.3], [1.0, 0.0]])
    model = cql.empirical(own, foreign, np.zeros((2, 2)), rewards)
    offered = cql.empirical(own, foreign, np.ones((2, 2)), rewards)
    solution = cql.solve(model, 0.5, DISCOUNT)
    q = cql.critic(model, offered, solution, 0.5, DISCOUNT)
    assert q[0, 1] == pytest.approx(0.3 + DISCOUNT * solution.values @ [0.25, 0.75])
    assert q[0, 0] == pytest.approx(DISCOUNT * 10)
