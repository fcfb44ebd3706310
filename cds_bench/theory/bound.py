"""The paper's bound on safe policy improvement, its terms, and the weights that minimise it.

Yu et al. 2021 after Kumar et al. 2020 [recalled]: with high probability
J(pi) >= J(pi_beta) - zeta, where pi_beta collected the target's own data, pi_eff is the effective
behaviour policy, n the effective data, and

    zeta = c E_{s ~ d_pi} sqrt(|A| (D_CQL(pi, pi_eff)(s) + 1) / n(s))                     sampling
           - alpha / (1 - discount) E_{s ~ d_pi} D_CQL(pi, pi_eff)(s)                  conservatism
           - (J(pi_eff) - J(pi_beta))                                              better behaviour

d_pi is the discounted occupancy of pi in the empirical MDP. The theorem's c is of order
1 / (1 - discount)^2. With such a c, the bound says nothing on problems of this size. Here c is
calibrated instead [ours], see `calibrate` in simulate.py.
"""

from dataclasses import dataclass

import numpy as np

from cds_bench.theory.cql import Model, Solution, divergence, solve
from cds_bench.theory.mdp import evaluate, occupancy
from cds_bench.theory.strategies import Target

GRID = (0.0, 0.5, 1.0)  # the weights that the search tries
SWEEPS = 2
SMALLEST = 1e-9  # smaller changes of the bound are rounding errors


@dataclass(frozen=True)
class Terms:
    """The bound's terms and what they are made of; every array is [B].

    value: J(pi); behaviour_value: J(pi_beta); effective_value: J(pi_eff); all in the true MDP.
    predicted: J(pi) in the empirical MDP, without penalty. scarcity: E sqrt(|A| / n), the sampling
    term of a policy that equals pi_eff, without c. divergence: E D_CQL. sampling: the bound's
    sampling term without c. conservatism: the bound's conservatism term.
    """

    value: np.ndarray
    behaviour_value: np.ndarray
    effective_value: np.ndarray
    predicted: np.ndarray
    scarcity: np.ndarray
    divergence: np.ndarray
    sampling: np.ndarray
    conservatism: np.ndarray

    @property
    def gain(self) -> np.ndarray:
        """The gain over pi_beta that the bound promises, without the sampling term: [B]."""
        return self.conservatism + self.effective_value - self.behaviour_value

    def zeta(self, constant: float) -> np.ndarray:
        return constant * self.sampling - self.gain


def terms(target: Target, model: Model, solution: Solution, alpha: float) -> Terms:
    """The bound's terms, computed exactly. States without data count as having one transition."""
    policy, discount = solution.policy, target.discount
    visits = occupancy(model.transitions, policy, target.start, discount)
    away = divergence(policy, model.behaviour)
    scarce = policy.shape[-1] / np.maximum(model.counts.sum(-1), 1)
    mean_away = (visits * away).sum(-1)
    predicted = evaluate(model.transitions, model.rewards, policy, discount)
    return Terms(
        value=target.value(policy),
        behaviour_value=target.value(target.behaviour),
        effective_value=target.value(model.behaviour),
        predicted=(target.start * predicted).sum(-1),
        scarcity=(visits * np.sqrt(scarce)).sum(-1),
        divergence=mean_away,
        sampling=(visits * np.sqrt(scarce * (away + 1))).sum(-1),
        conservatism=alpha / (1 - discount) * mean_away,
    )


def zeta(
    target: Target,
    weights: np.ndarray,
    alpha: float,
    constant: float,
    values: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The bound's zeta [B] for weights [B, S, A] and the policy that CQL learns with them.

    Also returns that policy's conservative values [B, S]. Policy iteration starts at `values`.
    """
    model = target.model(weights)
    solution = solve(model, alpha, target.discount, values)
    return terms(target, model, solution, alpha).zeta(constant), solution.values


@dataclass(frozen=True)
class Optimum:
    """The weights that were found and the effect of each pair's weight on zeta, [B, S, A] each.

    effect: zeta with the pair's weight at 1 minus zeta with it at 0. The other weights keep their
    values. If the effect is near 0, the pair's weight does not matter.
    """

    weights: np.ndarray
    effect: np.ndarray


def optimise(target: Target, starts: list[np.ndarray], alpha: float, constant: float) -> Optimum:
    """Weights in [0, 1] that minimise zeta, found by coordinate search on a grid.

    For each problem, the search starts from the best of `starts`, so the result is never worse than
    any of them. The coordinates are the pairs with candidates. In up to two sweeps, each pair takes
    the best weight in `GRID`. The result is a local minimum. The search knows J(pi_eff) and
    J(pi_beta), which no strategy knows.
    """
    found = np.stack([zeta(target, weights, alpha, constant)[0] for weights in starts])
    weights = np.stack(starts)[found.argmin(0), np.arange(len(target.own))]
    best, values = zeta(target, weights, alpha, constant)
    effect = np.zeros_like(weights)
    pairs = [(s, a) for s, a in np.ndindex(*weights.shape[1:]) if target.candidates[:, s, a].any()]
    for _ in range(SWEEPS):
        before = best.copy()
        for s, a in pairs:
            ends = {}
            for level in GRID:
                tried = weights.copy()
                tried[:, s, a] = np.where(target.candidates[:, s, a] > 0, level, weights[:, s, a])
                new, learned = zeta(target, tried, alpha, constant, values)
                ends[level], better = new, new < best - SMALLEST
                weights[better], best[better] = tried[better], new[better]
                values[better] = learned[better]
            effect[:, s, a] = ends[1.0] - ends[0.0]
        if not (best < before).any():
            break
    return Optimum(weights, effect)


def gain_alone(target: Target, alpha: float) -> np.ndarray:
    """How much J(pi) of the target truly grows if only one pair's candidates are shared: [B, S, A].

    The value is J of the policy learned from own data and all candidates of (s,a), minus J of the
    policy learned from own data. It is NaN if a pair has no candidates.
    """

    nothing = np.zeros_like(target.rewards)
    base = solve(target.model(nothing), alpha, target.discount)
    found = np.full_like(nothing, np.nan)
    for s, a in np.ndindex(*nothing.shape[1:]):
        offered = target.candidates[:, s, a] > 0
        if offered.any():
            alone = nothing.copy()
            alone[:, s, a] = 1
            learned = solve(target.model(alone), alpha, target.discount, base.values)
            added = target.value(learned.policy) - target.value(base.policy)
            found[offered, s, a] = added[offered]
    return found
