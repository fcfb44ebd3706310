"""Point estimates: the mean and the interquartile mean (IQM)."""

import numpy as np

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
