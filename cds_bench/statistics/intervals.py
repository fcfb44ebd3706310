"""Percentile bootstrap intervals over seeds; all randomness comes from the Generator given."""

import numpy as np

from cds_bench.statistics.aggregates import iqm

Interval = tuple[np.ndarray, np.ndarray]


def bootstrap_mean(
    values: np.ndarray, rng: np.random.Generator, resamples: int, confidence: float
) -> Interval:
    """Percentile interval of the mean over the first axis: [seeds, ...] -> low [...], high [...].

    Whole seeds are drawn with replacement, so what belongs to one seed (tasks, steps) stays
    together. The ends are the (1 - confidence) / 2 and (1 + confidence) / 2 quantiles of the
    resampled means, interpolated linearly, as `scipy.stats.bootstrap(method="percentile")` has
    them. NaN for fewer than two seeds, where the data say nothing about spread. For few seeds the
    interval is too narrow: with three it can only be their range.
    """
    seeds = len(values)
    if seeds < 2:
        nothing = np.full(values.shape[1:], np.nan)
        return nothing, nothing
    drawn = rng.integers(seeds, size=(resamples, seeds))
    counts = (drawn[:, :, None] == np.arange(seeds)).sum(axis=1)
    return _ends(np.tensordot(counts / seeds, values, axes=1), confidence)


def stratified_iqm(
    values: np.ndarray, rng: np.random.Generator, resamples: int, confidence: float
) -> Interval:
    """Percentile interval of the IQM over tasks x seeds: [seeds, tasks] -> low, high (scalars).

    Seeds are drawn with replacement within each task (stratum) independently, as rliable's
    StratifiedBootstrap does, but from `rng` in the place of NumPy's global state. Here the tasks of
    a seed share one network, and independent draws ignore that, so the interval may be too narrow.
    NaN for fewer than two seeds. `values` must not hold NaN.
    """
    seeds, tasks = values.shape
    if seeds < 2:
        return np.float64(np.nan), np.float64(np.nan)
    drawn = rng.integers(seeds, size=(resamples, seeds, tasks))
    samples = values[drawn, np.arange(tasks)]
    return _ends(iqm(samples.reshape(resamples, -1)), confidence)


def _ends(estimates: np.ndarray, confidence: float) -> Interval:
    """Quantiles over the first axis, [resamples, ...]."""
    low, high = np.quantile(estimates, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high
