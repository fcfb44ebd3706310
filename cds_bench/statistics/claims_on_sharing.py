"""The paper's claims 1 and 2: what sharing all data does to the score and to the policy."""

import numpy as np

from cds_bench.seeding import stream
from cds_bench.statistics.decisions import (
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
)
from cds_bench.statistics.significance import CORRECTIONS, sign_flip


def worse_shared(data: Data) -> list[Decision]:
    """Claim 1: sharing all data is often worse than no sharing.

    A suite supports it where sharing_all is significantly below no_sharing, and contradicts it
    where it is above; "often" is at least half of the suites.
    """
    found = [
        (suite, data.score([suite], (data.learner, SHARING_ALL))
         - data.score([suite], (data.learner, NO_SHARING)))
        for suite in data.config.suites
    ]  # fmt: skip
    measure = "score of sharing_all - no_sharing"
    rows = directed(data, 1, measure, found, sign=-1)
    return [*rows, over_suites(1, "suites where sharing_all is worse", rows)]


def shifted(data: Data) -> list[Decision]:
    """Claim 2: sharing increases D_KL(learned policy, behaviour policy of the effective data).

    A suite supports it where sharing_all's divergence is significantly above no_sharing's; the
    claim as a whole, where at least half of the suites do.
    """
    found = [
        (suite, data.divergence(suite, SHARING_ALL) - data.divergence(suite, NO_SHARING))
        for suite in data.config.suites
    ]
    rows = directed(data, 2, "D_KL of sharing_all - no_sharing, nats", found, sign=1)
    return [*rows, over_suites(2, "suites where the divergence grows", rows)]


def directed(
    data: Data, claim: int, measure: str, found: list[tuple[str, np.ndarray]], sign: int
) -> list[Decision]:
    """A row per scope and its differences [seeds]: supported where their mean has the sign.

    Two-sided tests, corrected over the scopes.
    """
    paired = [values[~np.isnan(values)] for _, values in found]
    streams = [stream("claim", claim, scope) for scope, _ in found]
    tested = [
        sign_flip(values, rng, data.config.protocol.resamples)
        for values, rng in zip(paired, streams, strict=True)
    ]
    corrected = CORRECTIONS[data.config.protocol.correction](np.array(tested))
    tests, rows = max(sum(not np.isnan(p) for p in tested), 1), []
    for (scope, _), values, p in zip(found, paired, corrected, strict=True):
        mean = values.mean() if len(values) else np.nan
        significant = p < data.alpha
        verdict = UNDECIDED
        if significant:
            verdict = SUPPORTED if np.sign(mean) == sign else CONTRADICTED
        rows.append(Decision(
            claim, scope, measure, len(values), mean, *interval(data, values), p, verdict,
            needed(values, data.alpha / tests) if not significant else np.nan,
            "" if len(values) else "no seed has both",
        ))  # fmt: skip
    return rows


def over_suites(claim: int, measure: str, rows: list[Decision]) -> Decision:
    """The claim as a whole: at least half of the suites, or more than half against it."""
    count = {v: sum(row.verdict == v for row in rows) for v in (SUPPORTED, CONTRADICTED)}
    verdict = UNDECIDED
    if 2 * count[SUPPORTED] >= len(rows):
        verdict = SUPPORTED
    elif 2 * count[CONTRADICTED] > len(rows):
        verdict = CONTRADICTED
    note = ", ".join(f"{number} {kind}" for kind, number in count.items())
    more = -(-len(rows) // 2) - max(count.values())  # suites that have to be decided
    open_rows = sorted(row.seeds_needed for row in rows if row.verdict == UNDECIDED)
    asked = open_rows[more - 1] if verdict == UNDECIDED and more <= len(open_rows) else np.nan
    seen = count[SUPPORTED] / len(rows) if rows else np.nan
    fewest = min((row.n for row in rows), default=0)
    return Decision(
        claim, OVERALL, measure, fewest, seen, verdict=verdict,
        seeds_needed=asked, note=f"of {len(rows)} suites: {note}",
    )  # fmt: skip
