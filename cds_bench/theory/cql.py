"""Exact conservative policy iteration on the empirical MDP of weighted data: CQL without networks.

Shapes: [..., S, A] per pair, [..., S] per state. Kumar et al. 2020; their tabular equations are
[recalled].
"""

from dataclasses import dataclass

import numpy as np

from cds_bench.theory.mdp import backup, evaluate

TOLERANCE = 1e-9  # policy iteration has converged when values change by less
ITERATIONS = 200


@dataclass(frozen=True)
class Model:
    """The empirical MDP of one task's effective data.

    counts: effective data n(s,a), [..., S, A]; behaviour: the effective behaviour policy
    n(s,a) / n(s); transitions: [..., S, A, S]; rewards: [..., S, A].
    """

    counts: np.ndarray
    behaviour: np.ndarray
    transitions: np.ndarray
    rewards: np.ndarray


@dataclass(frozen=True)
class Solution:
    policy: np.ndarray
    values: np.ndarray


def empirical(
    own: np.ndarray, foreign: np.ndarray, weights: np.ndarray, rewards: np.ndarray
) -> Model:
    """The model of own data at weight 1 and foreign data at weight w(s,a).

        n(s,a,s') = own(s,a,s') + w(s,a) foreign(s,a,s')

    own, foreign: counts [..., S, A, S]; weights, rewards: [..., S, A]. Relabelled rewards are
    exact. A state without effective data has value 0, the least possible, and uniform actions. A
    pair without effective data has probability 0 under every policy that the data support [ours].
    """
    visits = own + weights[..., None] * foreign
    counts = visits.sum(-1)
    total = counts.sum(-1, keepdims=True)
    actions, states = counts.shape[-1], counts.shape[-2]
    behaviour = np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / actions)
    known = counts > 0
    stay = np.eye(states)[:, None, :]  # pays nothing forever
    transitions = np.where(known[..., None], visits / np.where(known, counts, 1)[..., None], stay)
    return Model(counts, behaviour, transitions, np.where(known, rewards, 0.0))


def ratio(policy: np.ndarray, behaviour: np.ndarray) -> np.ndarray:
    """pi(a|s) / pi_beta(a|s), or 0 if pi_beta(a|s) is 0: [..., S, A]."""
    return np.where(behaviour > 0, policy / np.where(behaviour > 0, behaviour, 1), 0.0)


def divergence(policy: np.ndarray, behaviour: np.ndarray) -> np.ndarray:
    """D_CQL(pi, pi_beta)(s) = sum_a pi(a|s) (pi(a|s) / pi_beta(a|s) - 1): [..., S]."""
    return (policy * ratio(policy, behaviour)).sum(-1) - 1


def evaluate_conservatively(
    model: Model, policy: np.ndarray, alpha: float, discount: float
) -> np.ndarray:
    """The fixed point V(s) = sum_a pi(a|s) Qhat(s,a), [..., S], of the penalised backup

        Qhat(s,a) = r(s,a) - alpha (pi(a|s) / pi_beta(a|s) - 1) + discount sum_s' P(s'|s,a) V(s')

    with the empirical P and the effective behaviour policy pi_beta.
    """
    penalised = model.rewards - alpha * (ratio(policy, model.behaviour) - 1)
    return evaluate(model.transitions, penalised, policy, discount)


def improve(q: np.ndarray, behaviour: np.ndarray, alpha: float) -> np.ndarray:
    """argmax over pi(.|s) of sum_a pi(a|s) q(s,a) - alpha D_CQL(pi, pi_beta)(s): [..., S, A].

    The maximum is pi(a|s) = pi_beta(a|s) max(0, q(s,a) - level(s)) / (2 alpha). The level makes the
    probabilities sum to 1. It is found by sorting, without iteration. The policy is neither greedy
    nor KL-regularised: it is the exact improvement of the objective that the penalised backup
    evaluates [ours].
    """
    supported = behaviour > 0
    order = np.argsort(np.where(supported, -q, np.inf), axis=-1)
    ranked = np.take_along_axis(q, order, -1)
    mass = np.take_along_axis(behaviour, order, -1)
    below = np.cumsum(mass, -1)
    levels = (np.cumsum(mass * ranked, -1) - 2 * alpha) / below
    active = ((ranked > levels) & (mass > 0)).sum(-1, keepdims=True)
    level = np.take_along_axis(levels, active - 1, -1)
    policy = behaviour * np.maximum(q - level, 0) / (2 * alpha)
    return policy / policy.sum(-1, keepdims=True)


def solve(
    model: Model, alpha: float, discount: float, values: np.ndarray | None = None
) -> Solution:
    """The policy that maximises J(pi) - alpha / (1 - discount) E_{s ~ d_pi} D_CQL(pi, pi_beta)(s).

    J and d_pi are those of the empirical MDP. Exact policy iteration alternates `improve` with
    penalised evaluation until the values reach the fixed point. It starts from `values` [..., S],
    by default the values of the behaviour policy. They affect the time but not the result.

    Raises ArithmeticError if the values have not converged after 200 iterations.
    """
    if values is None:
        values = evaluate_conservatively(model, model.behaviour, alpha, discount)
    for _ in range(ITERATIONS):
        q = backup(model.transitions, model.rewards, values, discount)
        policy = improve(q, model.behaviour, alpha)
        new = evaluate_conservatively(model, policy, alpha, discount)
        converged = np.abs(new - values).max() < TOLERANCE
        values = new
        if converged:
            return Solution(policy, values)
    raise ArithmeticError(f"policy iteration has not converged after {ITERATIONS} iterations")


def critic(
    model: Model, offered: Model, solution: Solution, alpha: float, discount: float
) -> np.ndarray:
    """Qhat(s,a), as in `evaluate_conservatively`, for every pair of the offered data: [..., S, A].

    A table does not generalise. The value of a pair without effective data therefore comes from one
    backup of the offered transitions, without the penalty [ours].
    """
    penalty = alpha * (ratio(solution.policy, model.behaviour) - 1)
    inside = backup(model.transitions, model.rewards, solution.values, discount) - penalty
    outside = backup(offered.transitions, offered.rewards, solution.values, discount)
    return np.where(model.counts > 0, inside, outside)
