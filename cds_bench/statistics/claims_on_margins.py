"""The paper's claim 4: by how much CDS improves over the next best method."""

from dataclasses import replace
from itertools import product

import numpy as np

from cds_bench.seeding import stream
from cds_bench.statistics.decisions import (
    CDS,
    OVERALL,
    UNDECIDED,
    Data,
    Decision,
    asked,
    corrected,
    needed,
    not_run,
    others_of,
)
from cds_bench.statistics.significance import sign_flip

PAPERS_IMPROVEMENT = 17.5  # per cent over the next best method, on average over domains [paper]
POSITIVE, NOT_POSITIVE = "positive", "not positive"
REACHES, SHORT = "reaches 17.5 %", "positive but short of it"
POINTS, RELATIVE = "points above the next best, x100", "improvement over the next best, %"
Scores = dict[str, np.ndarray]  # domain -> [methods, seeds], where cds is the first method


def improves(data: Data) -> list[Decision]:
    """Claim 4: CDS improves over the next best method on each domain by 17.5 % on average.

    The improvement is given in points, 100 (mean cds - mean next), and in per cent of the next
    best's mean, for each domain and averaged over the domains that were run. The next best is the
    other method with the highest mean. The interval is a percentile bootstrap over whole seeds, and
    every resample chooses the next best again.

    "positive" means that CDS is significantly above *every* other method, and "reaches 17.5 %" that
    it is above every one by that much. These are one-sided intersection-union tests over every
    choice of rivals, so choosing the rival by the data can't bias them. "not positive" means that
    the improvement over *some* other method is significantly below 0, and "short of it" that it is
    significantly below 17.5 %, one-sided and corrected over the methods. The improvement over the
    next best is then below it too. Both tests are corrected over the domains. The improvement in
    per cent is undefined if the next best's mean is not above 0.
    """
    names = (CDS, *others_of(data))
    scores = {
        domain: np.stack([data.score(suites, (data.learner, name)) for name in names])
        for domain, suites in data.domains.items()
    }
    complete = ~np.isnan(np.concatenate(list(scores.values()))).any(axis=0)
    if complete.sum() < 2 or len(names) < 2:
        return [Decision(4, OVERALL, POINTS, note="fewer than two seeds have every method")]
    scores = {domain: values[:, complete] for domain, values in scores.items()}
    return [*_rows(data, scores, POINTS), *_rows(data, scores, RELATIVE)]


def _rows(data: Data, scores: Scores, measure: str) -> list[Decision]:
    """A row per domain, corrected over the domains, and one for their average."""
    scopes = {domain: {domain: values} for domain, values in scores.items()} | {OVERALL: scores}
    goals = (0.0,) if measure == POINTS else (0.0, PAPERS_IMPROVEMENT)
    tests = {
        # The test of a positive effect uses points, because sign flips are not exact for ratios.
        (scope, goal): _tests(data, scope, part, measure if goal else POINTS, goal)
        for scope, part in scopes.items()
        for goal in goals
    }
    for goal in goals:
        keys = [(domain, goal) for domain in scores]
        families = (corrected(data, list(p)) for p in zip(*(tests[k] for k in keys), strict=True))
        tests |= dict(zip(keys, zip(*families, strict=True), strict=True))
    rows = []
    for scope, part in scopes.items():
        family = 1 if scope == OVERALL else len(scores)
        of_scope = [tests[scope, goal] for goal in goals]
        rows.append(_row(data, scope, part, measure, of_scope, family))
    whole = replace(rows[-1], note=rows[-1].note or not_run(data.missing_domains))
    return [*rows[:-1], whole]


def _row(
    data: Data,
    scope: str,
    scores: Scores,
    measure: str,
    tests: list[tuple[float, float]],
    family: int,
) -> Decision:
    """A row. `tests`: for each goal, p above and p below it, corrected over `family` scopes."""
    methods, n = next(iter(scores.values())).shape
    named = scope if measure == POINTS else f"{scope}, relative"
    values = _over_next_best(scores, measure)
    if np.isnan(values).any():
        return Decision(4, named, measure, n, note="undefined: the next best is not above 0")
    (above, below), goal = tests[0], tests[-1]
    verdict, p = UNDECIDED, float(np.fmin(*goal))
    if below < data.alpha:
        verdict, p = NOT_POSITIVE, below
    elif measure == POINTS and above < data.alpha:
        verdict, p = POSITIVE, above
    elif measure == RELATIVE and goal[0] < data.alpha:
        verdict, p = REACHES, goal[0]
    elif measure == RELATIVE and max(above, goal[1]) < data.alpha:
        verdict, p = SHORT, max(above, goal[1])
    aim = 0.0 if measure == POINTS else PAPERS_IMPROVEMENT
    low, high = _interval(data, scope, scores, measure)
    corrections = family * (methods - 1 if values.mean() < aim else 1)
    return Decision(
        4, named, measure, n, values.mean(), low, high, p, verdict,
        **asked(verdict, needed(values - aim, 2 * data.alpha / corrections)),
    )  # fmt: skip


def _tests(
    data: Data, scope: str, scores: Scores, measure: str, goal: float
) -> tuple[float, float]:
    """The one-sided p-values for an improvement above the goal and for one below it."""
    over = [_improvements(values, measure) for values in scores.values()]
    if np.isnan(_over_next_best(scores, measure)).any():
        return np.nan, np.nan
    rng, resamples = stream("claim", 4, scope, measure), data.config.protocol.resamples
    choices = (np.mean(rivals, axis=0) for rivals in product(*over))
    above = [
        sign_flip(values - goal, rng, resamples, "greater")
        for values in choices
        if not np.isnan(values).any()
    ]
    below = [
        np.nan if np.isnan(values).any() else sign_flip(values - goal, rng, resamples, "less")
        for values in np.mean(over, axis=0)
    ]
    return max(above), float(np.fmin.reduce(corrected(data, below)))


def _over_next_best(scores: Scores, measure: str) -> np.ndarray:
    """Each seed's improvement over the domains' next best, averaged over domains, [seeds]."""
    found = [
        _improvements(values, measure)[values[1:].mean(axis=1).argmax()]
        for values in scores.values()
    ]
    return np.mean(found, axis=0)


def _improvements(scores: np.ndarray, measure: str) -> np.ndarray:
    """Each seed's improvement over each other method: [methods, seeds] -> [others, seeds].

    In points, the mean over seeds is 100 (mean cds - mean other). In per cent, it is this number
    divided by the mean of the other method, and each seed's value is linearised:
    100 (r - 1 + (cds - r other) / mean other), where r is the ratio of the means. The result is NaN
    if the other method's mean is not above 0.
    """
    ours, others = scores[0], scores[1:]
    if measure == POINTS:
        return 100 * (ours - others)
    means = others.mean(axis=1, keepdims=True)
    means = np.where(means > 0, means, np.nan)
    ratio = ours.mean() / means
    return 100 * (ratio - 1 + (ours - ratio * others) / means)


def _interval(data: Data, scope: str, scores: Scores, measure: str) -> tuple[float, float]:
    """A percentile bootstrap over seeds. Every resample chooses its own next best."""
    protocol, seeds = data.config.protocol, next(iter(scores.values())).shape[1]
    rng = stream("claim", 4, scope, measure, "interval")
    shares = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=protocol.resamples) / seeds
    found = []
    for values in scores.values():
        means = shares @ values.T
        ours, best = means[:, 0], means[:, 1:].max(axis=1)
        per = np.where(best > 0, best, np.nan) if measure == RELATIVE else 1.0
        found.append(100 * (ours - best) / per)
    tail = (1 - protocol.confidence) / 2
    low, high = np.quantile(np.mean(found, axis=0), [tail, 1 - tail])
    return float(low), float(high)
