"""Paired tests over seeds, the correction for many of them, and an effect size.

Differences are [n], one per seed that both methods have; without NaN.
"""

import numpy as np
import scipy.stats

EXACT = 16  # differences up to which all 2^n sign patterns are enumerated
ROUNDING = 1e-7  # relative; scores.csv keeps nine digits, so what is nearer is equal


def sign_flip(differences: np.ndarray, rng: np.random.Generator, draws: int) -> float:
    """Two-sided p of the paired permutation test, [n] -> scalar.

    The share of the sign patterns s in {-1, 1}^n with |mean(s d)| >= |mean(d)|: under the null
    hypothesis a difference is as likely as its negative. Exact, over all 2^n patterns, for n <= 16;
    its smallest p is 2^(1 - n), so 0.25 for three seeds. Beyond that `draws` random patterns, and
    p = (1 + hits) / (1 + draws). NaN for n = 0; 1 for n = 1.
    """
    n = len(differences)
    if n == 0:
        return np.nan
    if n <= EXACT:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        bits = rng.integers(2, size=(draws, n))
    totals = np.abs((2 * bits - 1) @ differences)
    observed = abs(differences.sum()) - ROUNDING * np.abs(differences).sum()
    hits = int((totals >= observed).sum())
    return hits / 2**n if n <= EXACT else (1 + hits) / (1 + draws)


def paired_t(differences: np.ndarray) -> float:
    """Two-sided p of the paired t-test, which assumes normal differences.

    NaN for n < 2. Without spread: 1 where all differences are zero, else 0 (the limit).
    """
    n = len(differences)
    if n < 2:
        return np.nan
    spread = _spread(differences)
    if spread == 0:
        return 0.0 if np.any(differences) else 1.0
    t = differences.mean() / (spread / np.sqrt(n))
    return float(2 * scipy.stats.t.sf(abs(t), n - 1))


def effect_size(differences: np.ndarray) -> float:
    """Cohen's d_z = mean(d) / std(d), times Hedges' correction 1 - 3 / (4 (n - 1) - 1).

    NaN for n < 3: one difference has no spread, and for two the corrected value is always zero (no
    unbiased estimate exists). Without spread: 0 where all differences are zero, else +-infinity.
    """
    n = len(differences)
    if n < 3:
        return np.nan
    mean, spread = differences.mean(), _spread(differences)
    if spread == 0:
        return float(np.sign(mean) * np.inf) if np.any(differences) else 0.0
    return float(mean / spread * (1 - 3 / (4 * (n - 1) - 1)))


def _spread(differences: np.ndarray) -> float:
    """Sample standard deviation, and exactly 0 where it is only rounding."""
    spread = differences.std(ddof=1)
    return 0.0 if spread <= ROUNDING * np.abs(differences).max() else float(spread)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction, [m] -> [m]; NaNs stay and do not count as tests.

    With p sorted ascending, adjusted_k = max over j <= k of min(1, (m - j) p_j), j from 0.
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p[order]))
    return adjusted


def best_and_peers(values: np.ndarray, alpha: float) -> np.ndarray:
    """Which methods are the best, or not distinguishable from it: [methods, seeds] -> [methods].

    The best has the highest mean over its own seeds (NaN: missing). A peer is a method whose paired
    t-test against the best, over the seeds that both have, Holm-corrected over the row, gives
    p >= alpha. A method with fewer than two seeds, or fewer than two in common with the best, can't
    be tested and takes no part, so with one seed nothing is marked.
    """
    present = ~np.isnan(values)
    means = np.where(
        present.sum(axis=1) >= 2, np.where(present, values, 0).sum(axis=1), -np.inf
    ) / np.maximum(present.sum(axis=1), 1)
    marked = np.zeros(len(values), bool)
    if not np.isfinite(means).any():
        return marked
    best = int(np.argmax(means))
    differences = values[best] - values
    p = np.array([paired_t(row[~np.isnan(row)]) for row in differences])
    p[best] = np.nan
    with np.errstate(invalid="ignore"):
        marked = holm(p) >= alpha
    marked[best] = True
    return marked
