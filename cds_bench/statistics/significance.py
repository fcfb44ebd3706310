"""Tests, corrections for multiple tests, effect sizes, and the seeds that a test would need.

Differences are arrays [n] without NaN, one difference per seed that both methods have.
"""

import bisect
import itertools
from functools import cache

import numpy as np
import scipy.optimize
import scipy.stats

EXACT = 16  # up to this many differences, all 2^n sign patterns are enumerated
ROUNDING = 1e-7  # relative; scores.csv has nine digits, so closer values are equal
FEWEST = 5  # with fewer seeds, a table has no bold type [ours]
LIKELY = 0.8  # confidence of the effect's range behind the seeds needed [ours]


def sign_flip(
    differences: np.ndarray, rng: np.random.Generator, draws: int, alternative: str = "two-sided"
) -> float:
    """p of the paired permutation test, [n] -> scalar.

    Under the null hypothesis, a difference is as likely as its negative. p is therefore the share
    of the sign patterns s in {-1, 1}^n with |mean(s d)| >= |mean(d)|. It is exact for n <= 16, over
    all 2^n patterns. The smallest possible p is then 2^(1 - n), for example 0.25 for three seeds.
    For larger n, `draws` random patterns give p = (1 + hits) / (1 + draws). With `alternative`
    "greater" or "less", no absolute values are taken, and the smallest p is half as large. The
    result is NaN for n = 0.
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

    The standard deviation is at least `floor`. Scores that count few episodes can agree by chance,
    and a spread of zero would make any difference significant. The result is NaN for n < 2. If both
    spread and floor are zero, it is 1 if all differences are zero, and else 0, which is the limit.
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
    """Two-sided p of Welch's t-test of unpaired runs, [n] and [m]. Their variances may differ.

    Each standard deviation is at least `floor`. The result is NaN for n < 2 or m < 2. If both
    spreads and the floor are zero, it is 1 if the means are equal, and else 0.
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
    """Pearson's correlation of two methods over their common seeds.

    Pairing by seed makes a comparison sharper only if the correlation is positive. It is NaN for
    n < 3 or without spread.
    """
    if len(ours) < 3 or min(spread_of(ours), spread_of(theirs)) == 0:
        return np.nan
    return float(np.corrcoef(ours, theirs)[0, 1])


def effect_size(differences: np.ndarray) -> float:
    """Cohen's d_z = mean(d) / std(d), times Hedges' correction 1 - 3 / (4 (n - 1) - 1).

    The result is NaN for n < 3: one difference has no spread, and for two, no unbiased estimate
    exists (the corrected value is always zero). Without spread, it is 0 if all differences are
    zero, and else +-infinity.
    """
    n = len(differences)
    if n < 3:
        return np.nan
    mean, spread = differences.mean(), spread_of(differences)
    if spread == 0:
        return float(np.sign(mean) * np.inf) if np.any(differences) else 0.0
    return float(mean / spread * (1 - 3 / (4 * (n - 1) - 1)))


def spread_of(values: np.ndarray) -> float:
    """The sample standard deviation, or exactly 0 if it is only a rounding error."""
    spread = values.std(ddof=1)
    return 0.0 if spread <= ROUNDING * np.abs(values).max() else float(spread)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction, [m] -> [m]. NaNs stay NaN and do not count as tests.

    With p sorted ascending, adjusted_k = max over j <= k of min(1, (m - j) p_j), j from 0.
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p[order]))
    return adjusted


def bonferroni(p: np.ndarray) -> np.ndarray:
    """min(1, m p) for m tests, [m] -> [m]. NaNs stay NaN and do not count as tests."""
    p = np.asarray(p, float)
    return np.minimum(1.0, np.count_nonzero(~np.isnan(p)) * p)


CORRECTIONS = {"holm": holm, "bonferroni": bonferroni}


def best_and_peers(
    values: np.ndarray, alpha: float, correction: str = "holm", resolution: float = 0.0
) -> np.ndarray:
    """Marks the best method and those not distinguishable from it: [methods, seeds] -> [methods].

    Missing scores are NaN. The best method has the highest mean over its own seeds. A peer is a
    method whose paired t-test against the best, over the seeds that both have, gives p >= alpha
    after a correction over *all pairs* of methods. The data choose the best, so a correction over
    the best's comparisons alone would leave out an equal method in 7 to 11 % of rows at alpha 0.05.
    The spread of differences is at least `resolution`, the smallest step of a score. A method is
    not marked if it has fewer than FEWEST seeds, or fewer than that in common with the best. With
    fewer than five seeds, nothing is marked.
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
    """The 80 % confidence interval (LIKELY) of d_z = mean / std for normal differences.

    Its ends are the noncentralities at which t = sqrt(n) mean / std would be exceeded with a
    probability of 10 % and of 90 %, divided by sqrt(n). They are NaN for n < 3. Without spread,
    both are 0 or +-infinity.
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
    """The seeds that a paired test needs to detect an effect d_z = mean / std with this power.

    This is the smallest n at which the two-sided paired t-test has the power, and at which the
    sign-flip test can give p < alpha at all: 2^(1 - n) < alpha. The result is infinite if n would
    be above `most`, and NaN for a NaN effect.
    """
    if np.isnan(effect):
        return np.nan
    if effect == 0:
        return np.inf
    counts = range(decisive_seeds(alpha), most + 1)
    found = bisect.bisect_left(counts, power, key=lambda n: _power(effect, n, alpha))
    return counts[found] if found < len(counts) else np.inf


def decisive_seeds(alpha: float) -> int:
    """The smallest n for which a two-sided sign-flip test can give p < alpha: 2^(1 - n) < alpha."""
    return int(np.floor(1 - np.log2(alpha))) + 1


def smallest_p(n: int, draws: int) -> float:
    """The smallest p that the two-sided `sign_flip` can give for n differences."""
    return 2.0 ** (1 - n) if n <= EXACT else 1.0 / (1 + draws)


def _power(effect: float, n: int, alpha: float) -> float:
    """The power of the two-sided paired t-test for n normal differences with d_z = `effect`.

    Both tails are computed as upper tails with opposite noncentralities, because scipy's lower tail
    is NaN for some of them.
    """
    if np.isinf(effect):
        return 1.0
    edge, centre = scipy.stats.t.isf(alpha / 2, n - 1), effect * np.sqrt(n)
    return float(sum(scipy.stats.nct.sf(edge, n - 1, c) for c in (centre, -centre)))


def seeds_range(differences: np.ndarray, alpha: float, power: float) -> np.ndarray:
    """The likely range of the seeds needed, [fewest, most], from both ends of `effect_range`.

    Only effects in the direction of the mean count, so `most` is infinite if the range of the
    effect includes 0. Both are NaN for n < 3.
    """
    if len(differences) < 3:
        return np.full(2, np.nan)
    toward = np.sign(differences.mean())
    effects = sorted((max(0.0, toward * end) for end in effect_range(differences)), reverse=True)
    return np.array([seeds_needed(effect, alpha, power) for effect in effects])
