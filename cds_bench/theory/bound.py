"""The paper's bound on safe policy improvement, its terms, and the weights that minimise it.

Yu et al. 2021 after Kumar et al. 2020 [recalled]: with high probability
J(pi) >= J(pi_beta) - zeta, where pi_beta collected the target's own data, pi_eff is the effective
behaviour policy, n the effective data, and

    zeta = c E_{s ~ d_pi} sqrt(|A| (D_CQL(pi, pi_eff)(s) + 1) / n(s))                     sampling
           - alpha / (1 - discount) E_{s ~ d_pi} D_CQL(pi, pi_eff)(s)                  conservatism
           - (J(pi_eff) - J(pi_beta))                                              better behaviour

d_pi is the discounted occupancy of pi in the empirical MDP. The theorem's c has the order
1 / (1 - discount)^2, at which the bound says nothing on problems of this size. Here c is calibrated
[ours], see `calibrate` in simulate.py.
"""

from dataclasses import dataclass

import numpy as np

from cds_bench.theory.cql import Model, Solution, divergence, solve
from cds_bench.theory.mdp import evaluate, occupancy
from cds_bench.theory.strategies import Target

GRID = (0.0, 0.5, 1.0)  # of the weights that are tried
SWEEPS = 2
SMALLEST = 1e-9  # a change of the bound below it is rounding


@dataclass(frozen=True)
class Terms:
    """Each [B].

    value: J(pi); behaviour_value: J(pi_beta); effective_value: J(pi_eff); all in the true MDP.
    predicted: J(pi) in the empirical MDP, without penalty. scarcity: E sqrt(|A| / n), the sampling
    term of a policy that stays with the data. divergence: E D_CQL. sampling, conservatism: as in
    the bound, before c.
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
        """What the bound promises over the behaviour policy, before the sampling term: [B]."""
        return self.conservatism + self.effective_value - self.behaviour_value

    def zeta(self, constant: float) -> np.ndarray:
        return constant * self.sampling - self.gain


def terms(target: Target, model: Model, solution: Solution, alpha: float) -> Terms:
    """The bound's terms, exactly. A state without data counts as one with a single transition."""
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
    """The bound's zeta of weights [B, S, A] with the policy that CQL learns from them, [B].

    Also that policy's conservative values [B, S]; `values` is where policy iteration starts.
    """
    model = target.model(weights)
    solution = solve(model, alpha, target.discount, values)
    return terms(target, model, solution, alpha).zeta(constant), solution.values


@dataclass(frozen=True)
class Optimum:
    """weights: [B, S, A]; effect: zeta with the pair's weight at 1 minus zeta with it at 0.

    The other weights are as found. An effect near 0 means that the pair's weight does not matter.
    """

    weights: np.ndarray
    effect: np.ndarray


def optimise(target: Target, starts: list[np.ndarray], alpha: float, constant: float) -> Optimum:
    """Weights in [0, 1] that minimise zeta, by coordinate search on a grid.

    It starts, problem by problem, from the best of `starts`, so that it is never worse than any of
    them. A coordinate is a pair with candidates; each takes the best of `GRID`, in up to two
    sweeps. The result is a local minimum. It knows J(pi_eff) and J(pi_beta), which no strategy
    does.
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
    """What sharing one pair's candidates alone truly adds to J(pi) of the target: [B, S, A].

    J of the policy learned from own data and all candidates of (s,a), minus J of the policy learned
    from own data. NaN where a pair has no candidates.
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
