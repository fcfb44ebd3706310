"""The paper's claims 3 and 5: whether CDS is comparable to other methods, and its learners."""

import numpy as np

from cds_bench.seeding import stream
from cds_bench.statistics.decisions import (
    CDS,
    CONTRADICTED,
    NO_SHARING,
    OVERALL,
    SHARING_ALL,
    SUPPORTED,
    SUPPORTED_SO_FAR,
    UNDECIDED,
    UNKNOWN,
    Data,
    Decision,
    asked,
    corrected,
    interval,
    needed,
    not_run,
    others_of,
)
from cds_bench.statistics.significance import sign_flip

PAPERS_LEARNERS = ("cql", "brac")


def comparable(data: Data) -> list[Decision]:
    """Claim 3: CDS is best or comparable on every domain.

    The tests must show that CDS is comparable; this is not assumed. A domain supports the claim if
    CDS is non-inferior to *every* other method: mean(cds - other) > -margin, one-sided, with the
    protocol's margin. This is an intersection-union test, so its p is the largest of all. A domain
    contradicts the claim if CDS is below some other method by more than the margin, corrected over
    the other methods. Both tests are corrected over the domains. The claim as a whole is supported
    if all of the paper's domains support it, and contradicted if one domain contradicts it. If only
    some of the paper's domains were run and all of them support it, the verdict says so. The
    paper's own variants of CDS do not count as other methods.
    """
    measure = "score of cds - the best other method"
    found = [(domain, *_against_others(data, suites)) for domain, suites in data.domains.items()]
    tests = [_margin_tests(data, domain, others) for domain, others, _ in found]
    families = zip(*(corrected(data, list(p)) for p in zip(*tests, strict=True)), strict=True)
    rows = []
    for (domain, others, lacking), (p_within, p_below) in zip(found, families, strict=True):
        if lacking:
            rows.append(Decision(3, domain, measure, note=lacking))
            continue
        verdict, p = UNDECIDED, min(p_within, p_below)
        if p < data.alpha:
            verdict = SUPPORTED if p == p_within else CONTRADICTED
        nearest = min(others, key=lambda name: others[name].mean())
        differences, margin = others[nearest], data.config.protocol.margin
        rows.append(Decision(
            3, domain, measure, len(differences), differences.mean(), *interval(data, differences),
            p, verdict, **asked(verdict, _seeds(data, others, len(found))),
            note=f"the best other is {nearest}; margin {100 * margin:g}",
        ))  # fmt: skip
    missing, verdicts = data.missing_domains, [row.verdict for row in rows]
    whole = UNDECIDED
    if CONTRADICTED in verdicts:
        whole = CONTRADICTED
    elif rows and set(verdicts) == {SUPPORTED}:
        whole = SUPPORTED_SO_FAR if missing else SUPPORTED
    seeds = [(row.seeds_fewest, row.seeds_most) for row in rows if row.verdict == UNDECIDED]
    return [*rows, Decision(
        3, OVERALL, f"domains where cds is shown to be best or comparable, of {len(rows)}",
        min((row.n for row in rows), default=0), verdicts.count(SUPPORTED), verdict=whole,
        **asked(whole, np.max(seeds, axis=0) if seeds else UNKNOWN), note=not_run(missing),
    )]  # fmt: skip


def _against_others(data: Data, suites: list[str]) -> tuple[dict[str, np.ndarray], str]:
    """cds - other over common seeds, by the other's name, and a sentence on what is missing."""
    ours = data.score(suites, (data.learner, CDS))
    all_of = {name: ours - data.score(suites, (data.learner, name)) for name in others_of(data)}
    others = {name: d[~np.isnan(d)] for name, d in all_of.items()}
    lacking = [name for name, d in others.items() if not len(d)]
    if not others:
        return {}, "no other method"
    return others, f"no seed in common with {', '.join(lacking)}" if lacking else ""


def _margin_tests(data: Data, domain: str, others: dict[str, np.ndarray]) -> tuple[float, float]:
    """p that cds is within the margin of every other method, and p that it is further below one."""
    if not others or not all(map(len, others.values())):
        return np.nan, np.nan
    protocol, rng = data.config.protocol, stream("claim", 3, domain)
    shifted = [d + protocol.margin for d in others.values()]
    within = max(sign_flip(d, rng, protocol.resamples, "greater") for d in shifted)
    below = corrected(data, [sign_flip(d, rng, protocol.resamples, "less") for d in shifted])
    return within, float(below.min())


def _seeds(data: Data, others: dict[str, np.ndarray], domains: int) -> np.ndarray:
    """The seeds that would decide the claim with the one-sided tests of `_margin_tests`."""
    shifted = [d + data.config.protocol.margin for d in others.values()]
    alpha = 2 * data.alpha / domains
    options = [needed(d, alpha / len(others)) for d in shifted if d.mean() < 0]
    if not options:
        options = [np.max([needed(d, alpha) for d in shifted], axis=0)]
    return np.min(options, axis=0)


def works_with(data: Data) -> list[Decision]:
    """Claim 5: CDS works with a value-conservative learner and with a policy-constraint learner.

    It works with a learner if it is significantly above both no_sharing and sharing_all over all
    domains, which have equal weights. Both tests must be significant, so there is no correction,
    and p is the larger one. The claim is contradicted for a learner if CDS is significantly below
    one of the two, corrected over both. The claim as a whole is supported if both learners support
    it, and contradicted if one contradicts it.
    """
    rows = [_works_with(data, learner) for learner in PAPERS_LEARNERS]
    verdicts = [row.verdict for row in rows]
    verdict = UNDECIDED
    if CONTRADICTED in verdicts:
        verdict = CONTRADICTED
    elif set(verdicts) == {SUPPORTED}:
        verdict = SUPPORTED
    whole = Decision(
        5, OVERALL, f"learners with which cds is shown to work, of {len(rows)}",
        min(row.n for row in rows), verdicts.count(SUPPORTED), verdict=verdict,
        note="; ".join(f"{row.scope}: {row.note}" for row in rows if row.note),
    )  # fmt: skip
    return [*rows, whole]


def _works_with(data: Data, learner: str) -> Decision:
    measure = "score of cds - the better of no_sharing and sharing_all"
    if learner not in data.config.algorithms:
        return Decision(5, learner, measure, note="not run")
    ours, protocol = data.score_over_domains((learner, CDS)), data.config.protocol
    found = [ours - data.score_over_domains((learner, name)) for name in (NO_SHARING, SHARING_ALL)]
    found = [d[~np.isnan(d)] for d in found]
    if not all(map(len, found)):
        return Decision(5, learner, measure, note="no seed has cds, no_sharing and sharing_all")
    rng = stream("claim", 5, learner)
    tests = np.array([sign_flip(d, rng, protocol.resamples) for d in found])
    means = np.array([d.mean() for d in found])
    worst = int(np.argmin(means))
    verdict, p = UNDECIDED, float(tests.max())
    if p < data.alpha and (means > 0).all():
        verdict = SUPPORTED
    elif (below := corrected(data, list(tests))[means < 0]).size and below.min() < data.alpha:
        verdict, p = CONTRADICTED, float(below.min())
    seeds = np.max([needed(d, data.alpha) for d in found], axis=0)
    return Decision(
        5, learner, measure, len(found[worst]), means[worst], *interval(data, found[worst]), p,
        verdict, **asked(verdict, seeds),
    )  # fmt: skip
