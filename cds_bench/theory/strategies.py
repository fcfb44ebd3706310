"""Tabular sharing strategies: the weight of every foreign pair, updated in turn with the critic.

Foreign transitions of the same (s,a) have the same weight, because a strategy sees only their
value. Own data always have weight 1. Data are counted as a union: a foreign transition of weight 1
counts as much as an own transition.
"""

from dataclasses import dataclass

import numpy as np

from cds_bench.theory.cql import Model, Solution, critic, empirical, solve
from cds_bench.theory.mdp import backup, evaluate

FLOOR = 1e-3  # the least tau, as in the strategy `cds`


@dataclass(frozen=True)
class Target:
    """One task of B worlds with its data.

    transitions [B, S, A, S], start [B, S]: of the worlds; rewards, behaviour: of the task,
    [B, S, A]; own, foreign: counts of the task's data and of all other tasks' data, [B, S, A, S].
    """

    transitions: np.ndarray
    start: np.ndarray
    rewards: np.ndarray
    behaviour: np.ndarray
    own: np.ndarray
    foreign: np.ndarray
    discount: float

    @property
    def candidates(self) -> np.ndarray:
        """The number of foreign transitions of each pair, [B, S, A]."""
        return self.foreign.sum(-1)

    def model(self, weights: np.ndarray) -> Model:
        return empirical(self.own, self.foreign, weights, self.rewards)

    def values(self, policy: np.ndarray) -> np.ndarray:
        """True values of a policy, [B, S]."""
        return evaluate(self.transitions, self.rewards, policy, self.discount)

    def value(self, policy: np.ndarray) -> np.ndarray:
        """J(pi): the true value of a policy at the start, [B]."""
        return (self.start * self.values(policy)).sum(-1)


@dataclass(frozen=True)
class Strategy:
    """How weights follow from the improvement Delta(s,a) = Q(s,a) - b.

    fixed: if set, every candidate has this weight, whatever its value. soft: the weight is
    sigmoid(Delta / tau), otherwise 1 [Delta >= 0]. percentile: b is this percentile of the own
    data's values, otherwise their mean. true_values: Q is the true value of the current policy,
    otherwise the conservative critic.
    """

    fixed: float | None = None
    soft: bool = False
    percentile: float | None = None
    true_values: bool = False


STRATEGIES = {
    "no_sharing": Strategy(fixed=0.0),
    "sharing_all": Strategy(fixed=1.0),
    "cds_basic": Strategy(),
    "cds_basic_k90": Strategy(percentile=90.0),
    "cds": Strategy(soft=True),
    "cds_k90": Strategy(soft=True, percentile=90.0),
    "oracle": Strategy(true_values=True),
}


@dataclass(frozen=True)
class Shared:
    """A strategy's result: the final weights and Delta [B, S, A], and the data and policy.

    change: the largest change of a weight in the last round, [B].
    """

    weights: np.ndarray
    delta: np.ndarray
    change: np.ndarray
    model: Model
    solution: Solution


def share(strategy: Strategy, target: Target, alpha: float, rounds: int) -> Shared:
    """Iterates weights -> effective data -> policy and critic -> weights, `rounds` times.

    It starts with all data at weight 1 [ours], because an untrained critic rejects nothing. In
    training, tau is a moving average of mean |Delta|. Here it is the current mean, which is the
    fixed point of that average.
    """
    offered = target.model(np.ones_like(target.rewards))
    weights = np.full_like(target.rewards, 1.0 if strategy.fixed is None else strategy.fixed)
    change = np.zeros(len(weights))
    model = target.model(weights)
    solution = solve(model, alpha, target.discount)
    delta = improvement(strategy, target, model, offered, solution, alpha)
    for _ in range(rounds if strategy.fixed is None else 0):
        new = weigh(strategy, delta, target.candidates)
        moved = np.where(target.candidates > 0, np.abs(new - weights), 0)
        weights, change = new, moved.max((-1, -2))
        model = target.model(weights)
        solution = solve(model, alpha, target.discount)
        delta = improvement(strategy, target, model, offered, solution, alpha)
        if not change.any():
            break
    return Shared(weights, delta, change, model, solution)


def improvement(
    strategy: Strategy,
    target: Target,
    model: Model,
    offered: Model,
    solution: Solution,
    alpha: float,
) -> np.ndarray:
    """Delta(s,a) = Q(s,a) - b, with b from the target's own data (`threshold`): [B, S, A]."""
    if strategy.true_values:
        values = target.values(solution.policy)
        q = backup(target.transitions, target.rewards, values, target.discount)
    else:
        q = critic(model, offered, solution, alpha, target.discount)
    return q - threshold(q, target.own.sum(-1), strategy.percentile)


def threshold(q: np.ndarray, counts: np.ndarray, percentile: float | None) -> np.ndarray:
    """The mean or a percentile of q over data with these counts: [B, S, A] -> [B, 1, 1].

    Percentiles are interpolated linearly between transitions, as in NumPy.
    """
    if percentile is None:
        return (q * counts).sum((-1, -2), keepdims=True) / counts.sum((-1, -2), keepdims=True)
    flat, number = q.reshape(len(q), -1), counts.reshape(len(q), -1)
    order = np.argsort(flat, axis=-1)
    ranked = np.take_along_axis(flat, order, -1)
    until = np.cumsum(np.take_along_axis(number, order, -1), -1)
    place = percentile / 100 * (until[:, -1:] - 1)

    def at(position: np.ndarray) -> np.ndarray:
        return np.take_along_axis(ranked, (until <= position).sum(-1, keepdims=True), -1)

    low, high = at(np.floor(place)), at(np.ceil(place))
    return (low + (high - low) * (place - np.floor(place)))[..., None]


def weigh(strategy: Strategy, delta: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """1 [Delta >= 0] or sigmoid(Delta / tau): [B, S, A]; tau is the candidates' mean |Delta|."""
    if not strategy.soft:
        return (delta >= 0).astype(float)
    number = np.maximum(candidates.sum((-1, -2), keepdims=True), 1)
    tau = (np.abs(delta) * candidates).sum((-1, -2), keepdims=True) / number
    return 1 / (1 + np.exp(-delta / np.maximum(tau, FLOOR)))
