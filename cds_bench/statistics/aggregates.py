"""Point estimates: interquartile mean, probability of improvement, performance profile, ranks."""

import numpy as np
import scipy.stats

from cds_bench.statistics.significance import ROUNDING

TRIMMED = 0.25  # the fraction of values that are cut at each end


def iqm(values: np.ndarray) -> np.ndarray:
    """Interquartile mean over the last axis: [..., n] -> [...].

    The mean of the values that remain after int(n / 4) are cut at each end. This equals
    `scipy.stats.trim_mean(values, 0.25)` and therefore rliable's `aggregate_iqm` (Agarwal et al.
    2021, arXiv 2108.13264). Values are cut or kept as a whole; none is weighted by a fraction. The
    result is NaN if a value is NaN or if n = 0.
    """
    n = values.shape[-1]
    if n == 0:
        return np.full(values.shape[:-1], np.nan)
    cut = int(TRIMMED * n)
    middle = np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return np.where(np.isnan(values).any(axis=-1), np.nan, middle)


def wins(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """1 if ours is higher, 1/2 for a tie, else 0: [n, tasks], [m, tasks] -> [tasks, n, m].

    Values tie if they differ by no more than a rounding error.
    """
    ours, theirs = ours.T[:, :, None], theirs.T[:, None, :]
    difference, size = ours - theirs, np.maximum(np.abs(ours), np.abs(theirs))
    return (np.sign(np.where(np.abs(difference) <= ROUNDING * size, 0.0, difference)) + 1) / 2


def probability_of_improvement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """P(X > Y) + P(X = Y) / 2, averaged over tasks: ours [n, tasks], theirs [m, tasks].

    X and Y are independent runs of the two methods on a task. The estimate is the Mann-Whitney U
    divided by n m, as in rliable's `probability_of_improvement` (Agarwal et al. 2021). 1/2 means no
    difference. The result is NaN if either side has no runs. Neither side may contain NaN.
    """
    return float(wins(ours, theirs).mean()) if len(ours) and len(theirs) else np.nan


def performance_profile(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of runs with a score above each threshold: [..., runs], [k] -> [..., k].

    It equals rliable's `run_score_distribution` (Agarwal et al. 2021). It is NaN without runs.
    """
    runs = values.shape[-1]
    if runs == 0:
        return np.full((*values.shape[:-1], len(thresholds)), np.nan)
    return (values[..., None] > thresholds).mean(axis=-2)


def average_ranks(scores: np.ndarray) -> np.ndarray:
    """Mean rank of each method over blocks: [..., blocks, methods] -> [..., methods].

    Rank 1 is the best. Ties share the mean of their ranks. The result is NaN without blocks.
    `scores` must not contain NaN.
    """
    *several, blocks, methods = scores.shape
    if not blocks:
        return np.full((*several, methods), np.nan)
    return scipy.stats.rankdata(-scores, axis=-1).mean(axis=-2)
