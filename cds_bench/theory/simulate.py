"""The experiment: every strategy on random worlds with data of several sizes, in one tidy frame."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from cds_bench.errors import BenchError
from cds_bench.seeding import stream
from cds_bench.storage.columns import THEORY
from cds_bench.theory import mdp
from cds_bench.theory.bound import Terms, gain_alone, optimise, terms
from cds_bench.theory.cql import Solution, solve
from cds_bench.theory.strategies import STRATEGIES, Shared, Target, share

TASK = 0  # the target task; any other would do, because the tasks of a world are exchangeable
CLONE, OPTIMAL = (
    "clone",
    "optimal_weights",
)  # references: the behaviour policy of the own data; the optimum of the bound
REFERENCES = (CLONE, "oracle", OPTIMAL)
BINS = 5  # pairs are grouped by Delta into this many bins
MATTERS = 1e-6  # weights of pairs with a smaller effect on zeta are not compared
CHUNK = 90  # worlds that are solved together


@dataclass(frozen=True)
class Settings:
    """The settings of a simulation.

    mdps: the number of worlds; shapes: (states, actions); coverages, overlaps: see `mdp.draw`.
    Worlds take the combinations of these three in turn. transitions: data sizes per task; alphas:
    strengths of CQL's penalty; rounds: how often the weights are updated; calibration: the number
    of further worlds on which the bound's constant is calibrated.
    """

    mdps: int = 540
    transitions: tuple[int, ...] = (40, 160, 640)
    shapes: tuple[tuple[int, int], ...] = ((5, 2), (8, 3), (12, 4))
    coverages: tuple[float, ...] = (0.1, 0.5)
    overlaps: tuple[float, ...] = (0.0, 0.5, 0.9)
    tasks: int = 3
    discount: float = 0.9
    alphas: tuple[float, ...] = (0.1, 1.0)
    rounds: int = 20
    calibration: int = 180
    confidence: float = 0.95

    def __post_init__(self):
        if self.mdps < 1 or self.calibration < 1:
            raise BenchError("theory: mdps and calibration must be at least 1")
        if not all(alpha > 0 for alpha in self.alphas):
            raise BenchError(f"theory: alphas are {self.alphas}, expected numbers above 0")

    @property
    def cases(self) -> list[tuple[float, int]]:
        """Every alpha with every data size."""
        return list(product(self.alphas, self.transitions))


FULL = Settings()
TINY = Settings(mdps=18, transitions=(40, 160), shapes=((4, 2),), rounds=5, calibration=18)
SIZES = {"tiny": TINY, "full": FULL}  # by the profile's key `theory`


def simulate(settings: Settings, report: Callable[[int], None] = lambda done: None) -> pd.DataFrame:
    """A row per world, alpha, data size and strategy.

    A case is an alpha and a data size. `report(done)` receives the number of worlds x cases that
    are finished. Columns:

    - mdp, states, actions, coverage, overlap, alpha, transitions, strategy;
    - value, behaviour_value, optimal_value: J in the true MDP, at the start;
    - gap: 100 (value - behaviour_value) / optimal_value;
    - effective_data: sum of the weights of own and foreign transitions; foreign_share: the foreign
      share of that sum;
    - predicted, effective_value, scarcity, divergence, sampling, conservatism: see `bound.Terms`;
    - constant: the bound's c; zeta: as in the bound value >= behaviour_value - zeta;
    - change: the largest change of a weight in the last round; 0 if the weights have settled;
    - gain_correlation: Spearman's correlation, over pairs with candidates, between the weights and
      the true gain from sharing only that pair (`bound.gain_alone`);
    - advantage_correlation: the same with the pair's true advantage over the target's behaviour
      policy. Both correlations are NaN if either side is constant;
    - optimal_distance: mean |w - w*| over the pairs whose weight matters to zeta, where the weights
      w* minimise zeta;
    - weight_q1 to weight_q5: mean weights of those pairs by fifths of cds's Delta, lowest first.
    """
    constants = {alpha: calibrate(settings, alpha) for alpha in settings.alphas}
    done, parts = 0, []
    for indices, worlds, described in batches(settings, "world", settings.mdps):
        for alpha, size in settings.cases:
            target = with_data(worlds, indices, size, "data")
            rows = compare(target, alpha, settings.rounds, constants[alpha])
            case = described.assign(alpha=alpha, transitions=size)
            parts.append(case.merge(rows, on="row").drop(columns="row"))
            done += len(indices)
            report(done)
    frame = pd.concat(parts, ignore_index=True)[THEORY]
    # The sort is stable, so the strategies keep their order.
    return frame.sort_values(["mdp", "alpha", "transitions"], kind="stable", ignore_index=True)


def calibrate(settings: Settings, alpha: float) -> float:
    """The bound's constant c [ours]: the smallest for which the sampling term is large enough,

        Jhat(pi) - J(pi) <= c E sqrt(|A| (D_CQL + 1) / n),

    in a share `confidence` of the runs. Jhat is the value in the empirical MDP. The runs are those
    of no_sharing and sharing_all, which do not select data, at every data size. Their worlds are
    separate from the simulated ones.
    """
    needed = []
    for indices, worlds, _ in batches(settings, "calibrate", settings.calibration):
        for size in settings.transitions:
            target = with_data(worlds, indices, size, "calibrate-data")
            for name in ("no_sharing", "sharing_all"):
                found = share(STRATEGIES[name], target, alpha, settings.rounds)
                bound = terms(target, found.model, found.solution, alpha)
                needed.append((bound.predicted - bound.value) / bound.sampling)
    return max(float(np.quantile(np.concatenate(needed), settings.confidence)), 0.0)


def batches(
    settings: Settings, purpose: str, number: int
) -> Iterator[tuple[list[int], list[mdp.World], pd.DataFrame]]:
    """Worlds of one shape at a time: their indices, the worlds, and a frame that describes them.

    A world depends only on its purpose and index.
    """
    cells = list(product(settings.overlaps, settings.coverages, settings.shapes))
    for shape in settings.shapes:
        same = [index for index in range(number) if cells[index % len(cells)][2] == shape]
        for first in range(0, len(same), CHUNK):
            indices = same[first : first + CHUNK]
            worlds, rows = [], []
            for row, index in enumerate(indices):
                overlap, coverage, _ = cells[index % len(cells)]
                worlds.append(mdp.draw(
                    stream("theory", purpose, index), *shape, settings.tasks,
                    coverage, overlap, settings.discount,
                ))  # fmt: skip
                rows.append((row, index, *shape, coverage, overlap))
            columns = ["row", "mdp", "states", "actions", "coverage", "overlap"]
            yield indices, worlds, pd.DataFrame(rows, columns=columns)


def with_data(worlds: list[mdp.World], indices: list[int], size: int, purpose: str) -> Target:
    """The target task of each world, with `size` transitions of every task."""
    counts = [
        mdp.sample(stream("theory", purpose, index, size), world, size)
        for index, world in zip(indices, worlds, strict=True)
    ]
    visits = np.stack(counts).astype(float)
    return Target(
        transitions=np.stack([world.transitions for world in worlds]),
        start=np.stack([world.start for world in worlds]),
        rewards=np.stack([world.rewards[TASK] for world in worlds]),
        behaviour=np.stack([world.behaviour[TASK] for world in worlds]),
        own=visits[:, TASK],
        foreign=visits.sum(1) - visits[:, TASK],
        discount=worlds[0].discount,
    )


def compare(target: Target, alpha: float, rounds: int, constant: float) -> pd.DataFrame:
    """The rows of one batch at one data size; `row` is a world's place in the batch."""
    shared = {name: share(rule, target, alpha, rounds) for name, rule in STRATEGIES.items()}
    optimum = optimise(target, [found.weights for found in shared.values()], alpha, constant)
    offered = target.candidates > 0
    _, optimal_values = mdp.optimal(target.transitions, target.rewards, target.discount)
    context = Context(
        target,
        constant,
        optimal_value=(target.start * optimal_values).sum(-1),
        gain=gain_alone(target, alpha),
        advantage=np.where(offered, advantage(target), np.nan),
        delta=np.where(offered & (np.abs(optimum.effect) > MATTERS), shared["cds"].delta, np.nan),
        optimal_weights=optimum.weights,
    )

    nothing, settled = np.zeros_like(target.rewards), np.zeros(len(target.own))
    own, best = target.model(nothing), target.model(optimum.weights)
    clone = Solution(own.behaviour, np.empty(0))
    learned = solve(best, alpha, target.discount)
    compared = {
        CLONE: Shared(nothing, nothing, settled, own, clone),
        **shared,
        OPTIMAL: Shared(optimum.weights, nothing, settled, best, learned),
    }
    return pd.concat(
        describe(context, name, found, terms(target, found.model, found.solution, alpha))
        for name, found in compared.items()
    )


def advantage(target: Target) -> np.ndarray:
    """Q(s,a) - V(s) of the target's behaviour policy in the true MDP: [B, S, A]."""
    values = target.values(target.behaviour)
    q = mdp.backup(target.transitions, target.rewards, values, target.discount)
    return q - values[..., None]


@dataclass(frozen=True)
class Context:
    """The quantities that weights are compared with, [B, S, A]; NaN if a pair does not count.

    optimal_value is [B].
    """

    target: Target
    constant: float
    optimal_value: np.ndarray
    gain: np.ndarray
    advantage: np.ndarray
    delta: np.ndarray
    optimal_weights: np.ndarray


def describe(context: Context, name: str, found: Shared, bound: Terms) -> pd.DataFrame:
    """The rows of one strategy."""
    target, weights = context.target, found.weights
    own = target.own.sum((-1, -2, -3))
    foreign = (weights * target.candidates).sum((-1, -2))
    gap = bound.value - bound.behaviour_value
    scale = np.where(context.optimal_value > 0, context.optimal_value, 1)
    counted = np.isfinite(context.delta)
    distance = np.where(counted, np.abs(weights - context.optimal_weights), np.nan)
    bins = by_rank(weights, context.delta)
    return pd.DataFrame({
        "row": np.arange(len(own)),
        "strategy": name,
        "value": bound.value,
        "behaviour_value": bound.behaviour_value,
        "optimal_value": context.optimal_value,
        "gap": 100 * gap / scale,
        "effective_data": own + foreign,
        "foreign_share": foreign / (own + foreign),
        "predicted": bound.predicted,
        "effective_value": bound.effective_value,
        "scarcity": bound.scarcity,
        "divergence": bound.divergence,
        "sampling": bound.sampling,
        "conservatism": bound.conservatism,
        "constant": context.constant,
        "zeta": bound.zeta(context.constant),
        "change": found.change,
        "gain_correlation": spearman(weights, context.gain),
        "advantage_correlation": spearman(weights, context.advantage),
        "optimal_distance": mean_of(distance),
        **{f"weight_q{place + 1}": bins[:, place] for place in range(BINS)},
    })  # fmt: skip


def mean_of(values: np.ndarray) -> np.ndarray:
    """The mean over the pairs that are not NaN: [B, S, A] -> [B]; NaN if all are."""
    number = np.isfinite(values).sum((-1, -2))
    return np.where(number, np.nansum(values, (-1, -2)), np.nan) / np.maximum(number, 1)


def spearman(weights: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation over pairs whose `other` is not NaN: [B, S, A] -> [B]."""
    flat = other.reshape(len(other), -1)
    masked = np.where(np.isnan(flat), np.nan, weights.reshape(len(weights), -1))
    first, second = (centred_ranks(values) for values in (masked, flat))
    scale = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    return np.where(scale > 0, (first * second).sum(-1), np.nan) / np.where(scale > 0, scale, 1)


def centred_ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks minus their mean along the last axis; 0 for NaN.

    Values are rounded first, so that rounding errors do not affect the ranks.
    """
    ranks = rankdata(np.round(values, 9), axis=-1, nan_policy="omit")
    number = np.isfinite(ranks).sum(-1, keepdims=True)
    return np.nan_to_num(ranks - (number + 1) / 2)


def by_rank(weights: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Mean weights by fifths of Delta's rank among the pairs that count: [B, S, A] -> [B, 5]."""
    flat = delta.reshape(len(delta), -1)
    ranks = rankdata(flat, axis=-1, nan_policy="omit")
    number = np.isfinite(flat).sum(-1, keepdims=True)
    place = np.floor(BINS * (ranks - 0.5) / np.maximum(number, 1))
    inside = place[..., None] == np.arange(BINS)
    count = inside.sum(1)
    total = (weights.reshape(len(weights), -1, 1) * inside).sum(1)
    return np.where(count, total, np.nan) / np.maximum(count, 1)
