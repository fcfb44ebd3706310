"""Point estimates: interquartile mean, probability of improvement, performance profile, ranks."""

import numpy as np
import scipy.stats

TRIMMED = 0.25  # of the values, at each end


def iqm(values: np.ndarray) -> np.ndarray:
    """Interquartile mean over the last axis: [..., n] -> [...].

    The mean of the values left after int(n / 4) are cut at each end, which is
    `scipy.stats.trim_mean(values, 0.25)` and therefore rliable's `aggregate_iqm` (Agarwal et al.
    2021, arXiv 2108.13264): whole values are cut, none is weighted by a fraction. NaN in, NaN out;
    NaN for n = 0.
    """
    n = values.shape[-1]
    if n == 0:
        return np.full(values.shape[:-1], np.nan)
    cut = int(TRIMMED * n)
    middle = np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1)
    return np.where(np.isnan(values).any(axis=-1), np.nan, middle)


def wins(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Who is ahead, pair by pair: [n, tasks], [m, tasks] -> [tasks, n, m], 1, or 1/2 for a tie."""
    difference = ours.T[:, :, None] - theirs.T[:, None, :]
    return (np.sign(difference) + 1) / 2


def probability_of_improvement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """P(X > Y) + P(X = Y) / 2, averaged over tasks: ours [n, tasks], theirs [m, tasks].

    X and Y are independent runs of the two methods on a task: the Mann-Whitney U over n m, as
    rliable's `probability_of_improvement` (Agarwal et al. 2021). 1/2 is no difference. NaN without
    runs on either side; neither may hold NaN.
    """
    return float(wins(ours, theirs).mean()) if len(ours) and len(theirs) else np.nan


def performance_profile(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of runs with a score above each threshold: [..., runs], [k] -> [..., k].

    Agarwal et al. 2021, rliable's `run_score_distribution`. NaN without runs.
    """
    runs = values.shape[-1]
    if runs == 0:
        return np.full((*values.shape[:-1], len(thresholds)), np.nan)
    return (values[..., None] > thresholds).mean(axis=-2)


def average_ranks(scores: np.ndarray) -> np.ndarray:
    """Mean rank of each method over blocks, 1 the best: [..., blocks, methods] -> [..., methods].

    Ties share the mean of their ranks. NaN without blocks; `scores` must not hold NaN.
    """
    *several, blocks, methods = scores.shape
    if not blocks:
        return np.full((*several, methods), np.nan)
    return scipy.stats.rankdata(-scores, axis=-1).mean(axis=-2)
