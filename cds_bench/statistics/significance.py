"""Tests, the corrections for many of them, effect size, and the seeds that a test would need.

Differences are [n], one per seed that both methods have; without NaN.
"""

import bisect
import itertools
from functools import cache

import numpy as np
import scipy.optimize
import scipy.stats

EXACT = 16  # differences up to which all 2^n sign patterns are enumerated
ROUNDING = 1e-7  # relative; scores.csv keeps nine digits, so what is nearer is equal
FEWEST = 5  # seeds from which a table's bold type tells methods apart [ours]
LIKELY = 0.8  # confidence of the range of an effect that the seeds needed are computed from [ours]


def sign_flip(
    differences: np.ndarray, rng: np.random.Generator, draws: int, alternative: str = "two-sided"
) -> float:
    """p of the paired permutation test, [n] -> scalar.

    The share of the sign patterns s in {-1, 1}^n with |mean(s d)| >= |mean(d)|: under the null
    hypothesis a difference is as likely as its negative. Exact, over all 2^n patterns, for n <= 16;
    its smallest p is 2^(1 - n), so 0.25 for three seeds. Beyond that `draws` random patterns, and
    p = (1 + hits) / (1 + draws). `alternative` "greater" or "less": without the absolute values,
    and half of that smallest p. NaN for n = 0.
    """
    n = len(differences)
    if n == 0:
        return np.nan
    signs = _patterns(n) if n <= EXACT else 2.0 * rng.integers(2, size=(draws, n)) - 1
    toward = {"two-sided": np.abs, "greater": np.positive, "less": np.negative}[alternative]
    totals = toward(signs @ differences)
    observed = toward(differences.sum()) - ROUNDING * np.abs(differences).sum()
    hits = int((totals >= observed).sum())
    return hits / 2**n if n <= EXACT else (1 + hits) / (1 + draws)


@cache
def _patterns(n: int) -> np.ndarray:
    """All sign patterns, [2^n, n]."""
    return 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1


def paired_t(differences: np.ndarray, floor: float = 0.0) -> float:
    """Two-sided p of the paired t-test, which assumes normal differences.

    The standard deviation counts as `floor` where it is below that: scores that are counts of few
    episodes agree by chance, and a spread of zero would then make any difference significant. NaN
    for n < 2. Without spread and floor: 1 where all differences are zero, else 0 (the limit).
    """
    n = len(differences)
    if n < 2:
        return np.nan
    spread = max(spread_of(differences), floor)
    if spread == 0:
        return 0.0 if np.any(differences) else 1.0
    t = differences.mean() / (spread / np.sqrt(n))
    return float(2 * scipy.stats.t.sf(abs(t), n - 1))


def welch(ours: np.ndarray, theirs: np.ndarray, floor: float = 0.0) -> float:
    """Two-sided p of Welch's t-test of unpaired runs, [n] and [m]; their variances may differ.

    Each standard deviation counts as `floor` where it is below that. NaN for n or m < 2; without
    spread and floor, 1 where the means are equal, else 0.
    """
    n, m = len(ours), len(theirs)
    if min(n, m) < 2:
        return np.nan
    parts = [max(spread_of(x), floor) ** 2 / len(x) for x in (ours, theirs)]
    difference, total = abs(ours.mean() - theirs.mean()), sum(parts)
    if total == 0:
        return 1.0 if difference <= ROUNDING * np.abs(ours).max() else 0.0
    freedom = total**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    return float(2 * scipy.stats.t.sf(difference / np.sqrt(total), freedom))


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Pearson's correlation of two methods over their common seeds; NaN for n < 3 or no spread.

    Pairing by seed sharpens a comparison only as far as it is above 0.
    """
    if len(ours) < 3 or min(spread_of(ours), spread_of(theirs)) == 0:
        return np.nan
    return float(np.corrcoef(ours, theirs)[0, 1])


def effect_size(differences: np.ndarray) -> float:
    """Cohen's d_z = mean(d) / std(d), times Hedges' correction 1 - 3 / (4 (n - 1) - 1).

    NaN for n < 3: one difference has no spread, and for two the corrected value is always zero (no
    unbiased estimate exists). Without spread: 0 where all differences are zero, else +-infinity.
    """
    n = len(differences)
    if n < 3:
        return np.nan
    mean, spread = differences.mean(), spread_of(differences)
    if spread == 0:
        return float(np.sign(mean) * np.inf) if np.any(differences) else 0.0
    return float(mean / spread * (1 - 3 / (4 * (n - 1) - 1)))


def spread_of(values: np.ndarray) -> float:
    """Sample standard deviation, and exactly 0 where it is only rounding."""
    spread = values.std(ddof=1)
    return 0.0 if spread <= ROUNDING * np.abs(values).max() else float(spread)


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


def bonferroni(p: np.ndarray) -> np.ndarray:
    """min(1, m p) of m tests, [m] -> [m]; NaNs stay and do not count as tests."""
    p = np.asarray(p, float)
    return np.minimum(1.0, np.count_nonzero(~np.isnan(p)) * p)


CORRECTIONS = {"holm": holm, "bonferroni": bonferroni}


def best_and_peers(
    values: np.ndarray, alpha: float, correction: str = "holm", resolution: float = 0.0
) -> np.ndarray:
    """Which methods are the best, or not distinguishable from it: [methods, seeds] -> [methods].

    The best has the highest mean over its own seeds (NaN: missing). A peer is a method whose paired
    t-test against the best, over the seeds that both have, gives p >= alpha after a correction over
    *all pairs* of methods: the best is chosen by the data, and a correction over its own
    comparisons alone would leave out an equal method in 7 to 11 % of rows at alpha 0.05. The spread
    of differences is at least `resolution`, the smallest step of a score. A method with fewer than
    FEWEST seeds, or fewer in common with the best, takes no part: below five seeds nothing is
    marked.
    """
    there = ~np.isnan(values)
    tested = there.sum(axis=1) >= FEWEST
    marked = np.zeros(len(values), bool)
    if not tested.any():
        return marked
    means = np.full(len(values), -np.inf)
    means[tested] = np.nanmean(values[tested], axis=1)
    best = int(np.argmax(means))
    pairs = list(itertools.combinations(np.flatnonzero(tested), 2))
    common = [there[i] & there[j] for i, j in pairs]
    p = CORRECTIONS[correction](np.array([
        paired_t(values[i, both] - values[j, both], resolution) if both.sum() >= FEWEST else np.nan
        for (i, j), both in zip(pairs, common, strict=True)
    ]))  # fmt: skip
    for (i, j), value in zip(pairs, p, strict=True):
        if best in (i, j):
            marked[j if i == best else i] = value >= alpha
    marked[best] = True
    return marked


def effect_range(differences: np.ndarray) -> tuple[float, float]:
    """The 80 % confidence interval (LIKELY) of d_z = mean / std, of normal differences.

    The noncentralities at which t = sqrt(n) mean / std would be exceeded with a probability of 10 %
    and of 90 %, over sqrt(n). NaN for n < 3. Without spread: 0 or +-infinity, both ends alike.
    """
    n = len(differences)
    point = effect_size(differences)
    if n < 3 or spread_of(differences) == 0:
        return point, point
    t = float(np.sqrt(n) * differences.mean() / spread_of(differences))
    reach = 10 + 10 * abs(t)

    def beyond(centre: float, share: float) -> float:
        return float(scipy.stats.nct.sf(t, n - 1, centre)) - share

    low, high = (
        scipy.optimize.brentq(beyond, -reach, reach, args=(share,))
        for share in ((1 - LIKELY) / 2, (1 + LIKELY) / 2)
    )
    return low / np.sqrt(n), high / np.sqrt(n)


def seeds_needed(effect: float, alpha: float, power: float, most: int = 1000) -> float:
    """The seeds from which a paired test would see an effect d_z = mean / std with this power.

    The smallest n at which the two-sided paired t-test has the power and the sign-flip test can
    give p < alpha at all, 2^(1 - n) < alpha. Infinite beyond `most`, NaN for a NaN effect.
    """
    if np.isnan(effect):
        return np.nan
    if effect == 0:
        return np.inf
    counts = range(decisive_seeds(alpha), most + 1)
    found = bisect.bisect_left(counts, power, key=lambda n: _power(effect, n, alpha))
    return counts[found] if found < len(counts) else np.inf


def decisive_seeds(alpha: float) -> int:
    """The fewest seeds whose two-sided sign-flip test can give p < alpha: 2^(1 - n) < alpha."""
    return int(np.floor(1 - np.log2(alpha))) + 1


def _power(effect: float, n: int, alpha: float) -> float:
    """Of the two-sided paired t-test of n normal differences with d_z = `effect`.

    Both tails are upper ones, of opposite noncentralities: scipy's lower tail is NaN for some.
    """
    if np.isinf(effect):
        return 1.0
    edge, centre = scipy.stats.t.isf(alpha / 2, n - 1), effect * np.sqrt(n)
    return float(sum(scipy.stats.nct.sf(edge, n - 1, c) for c in (centre, -centre)))


def seeds_range(differences: np.ndarray, alpha: float, power: float) -> np.ndarray:
    """The likely range of the seeds needed, [fewest, most]: at both ends of `effect_range`.

    Only effects in the direction of the mean count, so `most` is infinite where the range of the
    effect reaches 0. NaN for n < 3.
    """
    if len(differences) < 3:
        return np.full(2, np.nan)
    toward = np.sign(differences.mean())
    effects = sorted((max(0.0, toward * end) for end in effect_range(differences)), reverse=True)
    return np.array([seeds_needed(effect, alpha, power) for effect in effects])
