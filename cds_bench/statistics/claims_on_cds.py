"""The paper's claims 3 to 5: how CDS compares with other methods, and with which learners."""

from dataclasses import replace

import numpy as np

from cds_bench.seeding import stream
from cds_bench.statistics.decisions import (
    CDS,
    CONTRADICTED,
    NO_SHARING,
    OVERALL,
    SHARING_ALL,
    SUPPORTED,
    UNDECIDED,
    Data,
    Decision,
    interval,
    needed,
    not_run,
    others_of,
)
from cds_bench.statistics.significance import CORRECTIONS, sign_flip

PAPERS_IMPROVEMENT = 17.5  # per cent, over the next best on each domain, on average [paper]
PAPERS_LEARNERS = ("cql", "brac")


def comparable(data: Data) -> list[Decision]:
    """Claim 3: CDS is best or comparable on every domain.

    Comparable is shown, not assumed: CDS is supported where it is non-inferior to the other method
    by the protocol's margin, mean(cds - other) > -margin, one-sided, for *every* other method (an
    intersection-union test, whose p is the largest). Contradicted where it is significantly below
    some other method, corrected over them. The paper's own variants are no other methods.
    """
    rows = [_comparable(data, domain, suites) for domain, suites in data.domains.items()]
    verdict, missing = UNDECIDED, data.missing_domains
    if any(row.verdict == CONTRADICTED for row in rows):
        verdict = CONTRADICTED
    elif not missing and all(row.verdict == SUPPORTED for row in rows):
        verdict = SUPPORTED
    seen = np.mean([row.verdict == SUPPORTED for row in rows]) if rows else np.nan
    note = not_run(missing)
    fewest = min((row.n for row in rows), default=0)
    measure = "domains where cds is best or comparable"
    whole = Decision(
        3, OVERALL, measure, fewest, seen, verdict=verdict, note=note,
        seeds_needed=max((row.seeds_needed for row in rows), default=np.nan),
    )  # fmt: skip
    return [*rows, whole]


def _comparable(data: Data, domain: str, suites: list[str]) -> Decision:
    ours = data.score(suites, (data.learner, CDS))
    others = {
        sharing: ours - data.score(suites, (data.learner, sharing)) for sharing in others_of(data)
    }
    others = {name: d[~np.isnan(d)] for name, d in others.items()}
    measure = "score of cds - the best other method"
    lacking = [name for name, d in others.items() if not len(d)]
    if not others or lacking:
        note = f"no seed in common with {', '.join(lacking)}" if lacking else "no other method"
        return Decision(3, domain, measure, note=note)
    protocol, rng = data.config.protocol, stream("claim", 3, domain)
    margin = protocol.margin
    inferior = [sign_flip(d + margin, rng, protocol.resamples, "greater") for d in others.values()]
    below = CORRECTIONS[protocol.correction](
        np.array([sign_flip(d, rng, protocol.resamples, "less") for d in others.values()])
    )
    nearest = min(others, key=lambda name: others[name].mean())
    differences = others[nearest]
    verdict, p = UNDECIDED, max(inferior)
    if p < data.alpha:
        verdict = SUPPORTED
    elif below.min() < data.alpha:
        verdict, p = CONTRADICTED, below.min()
    # One-sided: all of them within the margin, or one of them above cds.
    options = [needed(d, 2 * data.alpha / len(others)) for d in others.values() if d.mean() < 0]
    if all(d.mean() > -margin for d in others.values()):
        options.append(max(needed(d + margin, 2 * data.alpha) for d in others.values()))
    return Decision(
        3, domain, measure, len(differences), differences.mean(),
        *interval(data, differences), p, verdict,
        min(options) if verdict == UNDECIDED else np.nan,
        f"the best other is {nearest}; non-inferiority margin {100 * margin:g}",
    )  # fmt: skip


def improves(data: Data) -> list[Decision]:
    """Claim 4: CDS improves over the next best method on each domain by 17.5 % on average.

    Per domain and seed 100 (cds - next) / mean(next), and the mean over domains; both the next best
    method and its mean are taken from the *other* seeds, so that the choice of the best does not
    bias the difference. Contradicted where it is significantly below 17.5, else supported where it
    is significantly above 0 (one-sided). Undefined where the next best's mean is not above 0. The
    average is over the domains that were run; the note names the others.
    """
    suites = data.domains
    scores = {
        domain: np.stack(
            [data.score(suites[domain], (data.learner, name)) for name in (CDS, *others_of(data))]
        )
        for domain in suites
    }
    complete = ~np.isnan(np.concatenate(list(scores.values()))).any(axis=0)
    measure = "improvement over the next best, %"
    n = int(complete.sum())
    if n < 2 or not others_of(data):
        return [Decision(4, OVERALL, measure, note="fewer than two seeds have every method")]
    found = {domain: _improvements(values[:, complete]) for domain, values in scores.items()}
    found[OVERALL] = np.mean(list(found.values()), axis=0)
    rows = [_improves(data, scope, measure, values) for scope, values in found.items()]
    whole = replace(rows[-1], note=rows[-1].note or not_run(data.missing_domains))
    return [*rows[:-1], whole]


def _improvements(scores: np.ndarray) -> np.ndarray:
    """Of each seed, in per cent: [methods, seeds], cds first -> [seeds]."""
    found = []
    for seed in range(scores.shape[1]):
        others = np.delete(scores[1:], seed, axis=1).mean(axis=1)
        best = int(np.argmax(others))
        if others[best] <= 0:
            return np.full(scores.shape[1], np.nan)
        found.append(100 * (scores[0, seed] - scores[1 + best, seed]) / others[best])
    return np.array(found)


def _improves(data: Data, scope: str, measure: str, values: np.ndarray) -> Decision:
    n = len(values)
    if np.isnan(values).any():
        return Decision(4, scope, measure, n, note="undefined: the next best is not above 0")
    rng, resamples = stream("claim", 4, scope), data.config.protocol.resamples
    below = sign_flip(values - PAPERS_IMPROVEMENT, rng, resamples, "less")
    above = sign_flip(values, rng, resamples, "greater")
    verdict, p = UNDECIDED, min(below, above)
    if below < data.alpha:
        verdict, p = CONTRADICTED, below
    elif above < data.alpha:
        verdict, p = SUPPORTED, above
    effects = [values] if values.mean() > 0 else []
    effects += [values - PAPERS_IMPROVEMENT] if values.mean() < PAPERS_IMPROVEMENT else []
    asked = min(needed(each, 2 * data.alpha) for each in effects)  # one-sided
    return Decision(
        4, scope, measure, n, values.mean(), *interval(data, values), p, verdict,
        asked if verdict == UNDECIDED else np.nan,
    )  # fmt: skip


def works_with(data: Data) -> list[Decision]:
    """Claim 5: CDS works with a value-conservative learner and with a policy-constraint learner.

    It works with a learner where it is significantly above both no_sharing and sharing_all, over
    all suites (both tests must say so: no correction, p the larger). Contradicted where it is
    significantly below one of them, corrected over both.
    """
    return [_works_with(data, learner) for learner in PAPERS_LEARNERS]


def _works_with(data: Data, learner: str) -> Decision:
    measure = "score of cds - the better of no_sharing and sharing_all"
    if learner not in data.config.algorithms:
        return Decision(5, learner, measure, note="not run")
    suites, protocol = list(data.config.suites), data.config.protocol
    ours = data.score(suites, (learner, CDS))
    found = [ours - data.score(suites, (learner, name)) for name in (NO_SHARING, SHARING_ALL)]
    found = [d[~np.isnan(d)] for d in found]
    if not all(map(len, found)):
        return Decision(5, learner, measure, note="no seed has cds, no_sharing and sharing_all")
    rng = stream("claim", 5, learner)
    tests = np.array([sign_flip(d, rng, protocol.resamples) for d in found])
    corrected = CORRECTIONS[protocol.correction](tests)
    means = np.array([d.mean() for d in found])
    worst = int(np.argmin(means))
    verdict, p = UNDECIDED, float(tests.max())
    if p < data.alpha and (means > 0).all():
        verdict = SUPPORTED
    elif (below := corrected[means < 0]).size and below.min() < data.alpha:
        verdict, p = CONTRADICTED, float(below.min())
    asked = max(needed(d, data.alpha) for d in found)
    return Decision(
        5, learner, measure, len(found[worst]), means[worst],
        *interval(data, found[worst]), p, verdict,
        asked if verdict == UNDECIDED else np.nan,
    )  # fmt: skip
