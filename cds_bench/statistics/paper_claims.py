"""The paper's claims 1 to 5 (Yu et al. 2021) as tests on what was measured here.

Each claim is decided on every scope that it speaks of, and then as a whole; what counts as
supported is fixed here, before anything is measured [ours]. Tests are over training seeds, paired,
exact sign-flip permutations; scores are normalised and averaged over a suite's tasks per seed.
"""

from dataclasses import astuple, dataclass, fields, replace

import numpy as np
import pandas as pd

import envs
from cds_bench import files, paths
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.headline import Method, headline, matrix
from cds_bench.statistics.intervals import bootstrap_mean
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.shift import KL, read_shift
from cds_bench.statistics.significance import CORRECTIONS, effect_size, seeds_needed, sign_flip

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
POWER = 0.8  # that the seeds asked for would give
NO_SHARING, SHARING_ALL, CDS = "no_sharing", "sharing_all", "cds"
OWN = (CDS, "cds_basic", "cds_uds")  # variants of the paper's method: not "prior methods"
PAPERS_IMPROVEMENT = 17.5  # per cent, over the next best on each domain, on average [paper]
PAPERS_DOMAINS = ("locomotion", "navigation", "manipulation", "vision")
PAPERS_LEARNERS = ("cql", "brac")
OVERALL = "overall"


@dataclass(frozen=True)
class Decision:
    """A row of the table: a claim on a scope, what decides it, and the verdict.

    estimate, low, high: the quantity named by `measure` and its bootstrap interval over the n
    seeds; p corrected within the claim; seeds_needed: for an undecided claim, the n at which the
    effect that was seen would decide it with a power of 80 % (infinite: not below 1000; NaN: not
    known).
    """

    claim: int
    scope: str
    measure: str
    n: int = 0
    estimate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    verdict: str = UNDECIDED
    seeds_needed: float = np.nan
    note: str = ""


COLUMNS = [field.name for field in fields(Decision)]


def claims(config: Config, scores: pd.DataFrame, shift: pd.DataFrame) -> pd.DataFrame:
    """A row per claim and scope, and one per claim as a whole; `scores` is a checked frame."""
    data = Data(config, headline(scores, config.protocol), shift)
    rows = [
        *worse_shared(data),
        *shifted(data),
        *comparable(data),
        *improves(data),
        *works_with(data),
    ]
    return pd.DataFrame([astuple(row) for row in rows], columns=COLUMNS)


def write_claims(config: Config) -> None:
    """Writes claims.csv from scores.csv and shift.csv."""
    found = claims(config, read_scores(paths.scores(config)), read_shift(config))
    files.write_csv(paths.claims(config), found)


@dataclass(frozen=True)
class Data:
    config: Config
    headlines: pd.DataFrame
    shift: pd.DataFrame

    @property
    def learner(self) -> str:
        """The algorithm of claims 1 to 4: the profile's first."""
        return next(iter(self.config.algorithms))

    @property
    def domains(self) -> dict[str, list[str]]:
        """Domain -> its suites."""
        found: dict[str, list[str]] = {}
        for suite in self.config.suites:
            found.setdefault(envs.SUITES[suite].domain, []).append(suite)
        return found

    @property
    def missing_domains(self) -> list[str]:
        return [domain for domain in PAPERS_DOMAINS if domain not in self.domains]

    def score(self, suites: list[str], method: Method) -> np.ndarray:
        """A method's score of each seed, [seeds], over tasks and suites; NaN where one lacks."""
        found = [matrix(self.config, self.headlines, suite, method) for suite in suites]
        return np.mean([values.mean(axis=1) for values in found], axis=0)

    def divergence(self, suite: str, sharing: str) -> np.ndarray:
        """A method's D_KL of each seed, [seeds], over tasks."""
        frame = self.shift
        rows = frame[
            (frame["suite"] == suite)
            & (frame["algorithm"] == self.learner)
            & (frame["sharing"] == sharing)
        ]
        wide = rows.pivot(index="seed", columns="task", values=KL)
        wide = wide.reindex(index=range(self.config.seeds), columns=list(envs.SUITES[suite].tasks))
        return wide.to_numpy(float).mean(axis=1)

    @property
    def alpha(self) -> float:
        return 1 - self.config.protocol.confidence


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
    for (scope, _), values, rng, p in zip(found, paired, streams, corrected, strict=True):
        mean = values.mean() if len(values) else np.nan
        significant = p < data.alpha
        verdict = UNDECIDED
        if significant:
            verdict = SUPPORTED if np.sign(mean) == sign else CONTRADICTED
        rows.append(Decision(
            claim, scope, measure, len(values), mean, *interval(data, values, rng), p, verdict,
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
    note = _not_run(missing)
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
        sharing: ours - data.score(suites, (data.learner, sharing)) for sharing in _others(data)
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
        *interval(data, differences, rng), p, verdict,
        min(options) if verdict == UNDECIDED else np.nan,
        f"the best other is {nearest}; non-inferiority margin {100 * margin:g}",
    )  # fmt: skip


def _not_run(domains: list[str]) -> str:
    return f"not run: {', '.join(domains)}" if domains else ""


def _others(data: Data) -> list[str]:
    """The learner's other methods: no variants of cds, and no references."""
    config = data.config
    return [
        sharing
        for algorithm, sharing in config.competing
        if algorithm == data.learner and config.module("sharing", sharing) not in OWN
    ]


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
            [data.score(suites[domain], (data.learner, name)) for name in (CDS, *_others(data))]
        )
        for domain in suites
    }
    complete = ~np.isnan(np.concatenate(list(scores.values()))).any(axis=0)
    measure = "improvement over the next best, %"
    n = int(complete.sum())
    if n < 2 or not _others(data):
        return [Decision(4, OVERALL, measure, note="fewer than two seeds have every method")]
    found = {domain: _improvements(values[:, complete]) for domain, values in scores.items()}
    found[OVERALL] = np.mean(list(found.values()), axis=0)
    rows = [_improves(data, scope, measure, values) for scope, values in found.items()]
    whole = replace(rows[-1], note=rows[-1].note or _not_run(data.missing_domains))
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
        4, scope, measure, n, values.mean(), *interval(data, values, rng), p, verdict,
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
        *interval(data, found[worst], rng), p, verdict,
        asked if verdict == UNDECIDED else np.nan,
    )  # fmt: skip


def interval(data: Data, values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    protocol = data.config.protocol
    low, high = bootstrap_mean(values, rng, protocol.resamples, protocol.confidence)
    return float(low), float(high)


def needed(differences: np.ndarray, alpha: float) -> float:
    """Seeds that would decide an effect of the size seen; NaN for fewer than three."""
    return seeds_needed(effect_size(differences), alpha, POWER)
