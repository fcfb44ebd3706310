"""What a strategy selects: the weights of the candidates compared with their returns-to-go.

A target's candidates are the transitions of other tasks that were offered to it. Good candidates
have a high return-to-go under the target's reward, whatever the critic's values are.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cds_bench.records import Sharing
from cds_bench.training.data import DevicePool

CANDIDATES = 1024  # per target and log point, if half of each batch are candidates
DECILES = 10
# Rows, weight and task [S, T, B] of a step. The task is None if the strategy re-assigns nothing.
Step = list[Tensor | None]


def keep(kept: list[Step], rows: Tensor, decision: Sharing) -> list[Step]:
    """Adds a step and drops the oldest ones that are not needed to reach CANDIDATES.

    The number of steps assumes that half of the offered transitions are candidates. The steps are
    references to tensors that exist anyway, so nothing is computed.
    """
    offered = rows.shape[-1] if decision.task is None else rows[0].numel()  # to each target
    steps = -(-2 * CANDIDATES // offered)
    return [*kept, [rows, decision.weight, decision.task]][-steps:]


def measured(pool: DevicePool, kept: list[Step]) -> Iterator[tuple[int, int, dict[str, float]]]:
    """(index of the seed, target, `measures`) of the kept steps, if there were candidates."""
    rows, weight, task = zip(*kept, strict=True)
    rows, weight = torch.stack(rows, 1), torch.stack(weight, 1)  # [S, steps, T, B]
    assigned = None if task[0] is None else torch.stack(task, 1)
    for target in range(pool.tasks):
        for seed, (chosen, returns) in enumerate(candidates(pool, rows, weight, assigned, target)):
            if len(chosen):
                yield seed, target, measures(chosen, returns)


def candidates(
    pool: DevicePool, rows: Tensor, weight: Tensor, assigned: Tensor | None, target: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A target's candidates per seed: (weights, returns-to-go), each [n].

    rows, weight: [S, steps, T, B]. If the strategy re-assigns transitions, `assigned` is the task
    of each, int64 [S, steps, T, B]. Every transition of another task then is a candidate, and its
    weight is 0 unless the target received it.
    """
    if assigned is None:
        rows, weight = rows[:, :, target], weight[:, :, target]
    else:
        weight = weight * (assigned == target)
    rows, weight = rows.flatten(1), weight.flatten(1)
    returns, foreign = pool.returns[rows, target], pool.source[rows] != target
    arrays = (values.cpu().numpy() for values in (weight, returns, foreign))
    for chosen, value, offered in zip(*arrays, strict=True):
        yield chosen[offered].astype(float), value[offered].astype(float)


def measures(weight: np.ndarray, returns: np.ndarray) -> dict[str, float]:
    """Named measures of n candidates' weights and returns-to-go, each [n]; NaN if undefined.

    auc: how well the weights identify the returns in the top quarter (`top_quarter`).
    spearman: the rank correlation of weight and return. weight: the mean weight.
    weight_d1 ... weight_d10: the mean weight in each decile of the return (`decile`), NaN if the
    decile is empty.
    """
    chosen, good = (pd.Series(values).rank().to_numpy() for values in (weight, returns))
    place = decile(good)
    sizes = np.bincount(place, minlength=DECILES)
    sums = np.bincount(place, weight, minlength=DECILES)
    means = np.divide(sums, sizes, out=np.full(DECILES, np.nan), where=sizes > 0)
    return {
        "auc": auc(chosen, top_quarter(good)),
        "spearman": correlation(chosen, good),
        "weight": float(weight.mean()),
        **{f"weight_d{k}": mean for k, mean in enumerate(means.tolist(), start=1)},
    }


def decile(rank: np.ndarray) -> np.ndarray:
    """The decile of each of n values: floor(10 (r - 1/2) / n), 0 to 9, r its average rank from 1.

    Equal values stay together in the decile of their middle. For example, if 9 of 10 returns are 0
    and one is 1, the zeros are in the fifth decile, the 1 is in the last, and the others are empty.
    """
    return DECILES * _odd(rank) // (2 * len(rank))


def top_quarter(rank: np.ndarray) -> np.ndarray:
    """Which of n values lie in the top quarter: (r - 1/2) / n >= 3/4, r the average rank from 1.

    Equal values are in it together or not at all. If all n values are equal, none is in it.
    """
    return 4 * _odd(rank) >= 3 * 2 * len(rank)


def _odd(rank: np.ndarray) -> np.ndarray:
    """2 r - 1 of average ranks r, as integers, so that comparisons with a border are exact."""
    return (2 * rank - 1).astype(np.int64)


def auc(rank: np.ndarray, positive: np.ndarray) -> float:
    """P(score of a positive > score of a negative) + P(equal) / 2: the area under the ROC curve.

    It is Mann and Whitney's U divided by the number of pairs, computed from the scores' average
    ranks. It is NaN unless there are both positives and negatives.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return np.nan
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; of average ranks, Spearman's. NaN if either argument is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])
