"""The paper's claims 1 and 2: what sharing all data does to the score and to the policy."""

import numpy as np

from cds_bench.seeding import stream
from cds_bench.statistics.decisions import (
    CONTRADICTED,
    EQUIVALENT,
    NO_SHARING,
    OVERALL,
    SHARING_ALL,
    SUPPORTED,
    UNDECIDED,
    UNKNOWN,
    Data,
    Decision,
    asked,
    corrected,
    interval,
    needed,
)
from cds_bench.statistics.significance import sign_flip

SUITES_WANTED = 3  # with fewer suites, "often" means nothing [ours]
RELATIVE_MARGIN = 0.1  # of no_sharing's divergence; smaller differences do not count [ours]
# A suite, and its values of each seed with sharing_all and with no_sharing.
Shared = tuple[str, np.ndarray, np.ndarray]


def worse_shared(data: Data) -> list[Decision]:
    """Claim 1: sharing all data is often worse than no sharing.

    A suite supports the claim if sharing_all is significantly below no_sharing, and contradicts it
    if sharing_all is above. They are equivalent if they differ by less than the protocol's margin.
    """
    found = [
        (suite, data.score([suite], (data.learner, SHARING_ALL)),
         data.score([suite], (data.learner, NO_SHARING)))
        for suite in data.config.suites
    ]  # fmt: skip
    margin = data.config.protocol.margin
    rows = directed(data, 1, "score of sharing_all - no_sharing", found, -1, (margin, 0.0))
    return [*rows, over_suites(1, "where sharing_all is shown to be worse", rows)]


def shifted(data: Data) -> list[Decision]:
    """Claim 2: sharing increases D_KL(learned policy, behaviour policy of the effective data).

    A suite supports the claim if sharing_all's divergence is significantly above no_sharing's, and
    contradicts it if it is below. They are equivalent if they differ by less than a tenth of
    no_sharing's.
    """
    found = [
        (suite, data.divergence(suite, SHARING_ALL), data.divergence(suite, NO_SHARING))
        for suite in data.config.suites
    ]
    measure, margins = "D_KL of sharing_all - no_sharing, nats", (0.0, RELATIVE_MARGIN)
    rows = directed(data, 2, measure, found, 1, margins)
    return [*rows, over_suites(2, "where the divergence is shown to grow", rows)]


def directed(
    data: Data,
    claim: int,
    measure: str,
    found: list[Shared],
    sign: int,
    margins: tuple[float, float],
) -> list[Decision]:
    """A row per suite, which supports the claim if its mean difference has the given sign.

    The difference is tested two-sided. Equivalence within +-(a + b mean) is tested with two
    one-sided tests; `margins` are a and b, and the mean is no_sharing's. Both are corrected over
    the suites. A difference that is shown to be within the margin counts as equivalent, even if it
    differs significantly from 0.
    """
    there = [~np.isnan(shared + alone) for _, shared, alone in found]
    pairs = [(s[both], a[both]) for (_, s, a), both in zip(found, there, strict=True)]
    different, equal = [], []
    for (suite, *_), (shared, alone) in zip(found, pairs, strict=True):
        rng, resamples = stream("claim", claim, suite), data.config.protocol.resamples
        difference, margin = shared - alone, margins[0] + margins[1] * alone
        different.append(sign_flip(difference, rng, resamples))
        within = (
            sign_flip(difference + margin, rng, resamples, "greater"),
            sign_flip(difference - margin, rng, resamples, "less"),
        )
        equal.append(max(within))
    tests = max(sum(not np.isnan(p) for p in different), 1)
    families = zip(corrected(data, different), corrected(data, equal), strict=True)
    rows = []
    for (suite, *_), (shared, alone), (p, p_equal) in zip(found, pairs, families, strict=True):
        difference = shared - alone
        mean, verdict = difference.mean() if len(shared) else np.nan, UNDECIDED
        if p_equal < data.alpha:
            verdict, p = EQUIVALENT, p_equal
        elif p < data.alpha:
            verdict = SUPPORTED if np.sign(mean) == sign else CONTRADICTED
        rows.append(Decision(
            claim, suite, measure, len(shared), mean, *interval(data, difference), p, verdict,
            **asked(verdict, needed(difference, data.alpha / tests)),
            note="" if len(shared) else "no seed has both",
        ))  # fmt: skip
    return rows


def over_suites(claim: int, which: str, rows: list[Decision]) -> Decision:
    """The claim as a whole: the verdict of more than half of the suites, if there are three."""
    verdicts = (SUPPORTED, CONTRADICTED, EQUIVALENT)
    count = {name: sum(row.verdict == name for row in rows) for name in verdicts}
    enough = len(rows) >= SUITES_WANTED
    majority = [name for name in verdicts if enough and 2 * count[name] > len(rows)]
    verdict = majority[0] if majority else UNDECIDED
    more = len(rows) // 2 + 1 - max(count.values())  # how many undecided suites would have to agree
    undecided = [row for row in rows if row.verdict == UNDECIDED]
    seeds = UNKNOWN
    if enough and 0 < more <= len(undecided):
        ranges = [(row.seeds_fewest, row.seeds_most) for row in undecided]
        seeds = np.sort(ranges, axis=0)[more - 1]
    note = ", ".join(f"{number} {name}" for name, number in count.items())
    short = "" if enough else f"; that takes {SUITES_WANTED} suites"
    return Decision(
        claim, OVERALL, f"suites {which}, of {len(rows)}", min((row.n for row in rows), default=0),
        count[SUPPORTED], verdict=verdict, **asked(verdict, seeds),
        note=f"{note}, {len(undecided)} undecided{short}",
    )  # fmt: skip
