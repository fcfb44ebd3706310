"""The data and the decisions that all tests of the paper's claims share."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.headline import Method, matrix
from cds_bench.statistics.intervals import student_t
from cds_bench.statistics.shift import KL
from cds_bench.statistics.significance import CORRECTIONS, decisive_seeds, seeds_range

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
EQUIVALENT = "equivalent"
SUPPORTED_SO_FAR = "supported on the domains that were run"
UNKNOWN = np.full(2, np.nan)  # seeds needed: [fewest, most]
POWER = 0.8  # of the test with the seeds needed
NO_SHARING, SHARING_ALL, CDS = "no_sharing", "sharing_all", "cds"
OWN = (CDS, "cds_basic", "cds_uds")  # variants of the paper's method: not "prior methods"
PAPERS_DOMAINS = ("locomotion", "navigation", "manipulation", "vision")
OVERALL = "overall"


@dataclass(frozen=True)
class Decision:
    """A row of the table: a claim on a scope, the numbers that decide it, and the verdict.

    estimate, low, high: the quantity named by `measure` and its interval over the n seeds. p is
    corrected within the claim. seeds_fewest, seeds_most: for an undecided claim, the likely range
    of the n that would decide it with a power of 80 % (`seeds_range`). They are infinite above 1000
    and NaN if unknown.
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
    seeds_fewest: float = np.nan
    seeds_most: float = np.nan
    note: str = ""


COLUMNS = [field.name for field in fields(Decision)]


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
        """A method's mean score over tasks and suites, [seeds]; NaN for a seed that lacks one."""
        found = [matrix(self.config, self.headlines, suite, method) for suite in suites]
        return np.mean([values.mean(axis=1) for values in found], axis=0)

    def score_over_domains(self, method: Method) -> np.ndarray:
        """Like `score`, over all suites. All domains have the same weight."""
        return np.mean([self.score(suites, method) for suites in self.domains.values()], axis=0)

    def divergence(self, suite: str, sharing: str) -> np.ndarray:
        """A method's mean D_KL over tasks, [seeds]."""
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


def not_run(domains: list[str]) -> str:
    return f"not run: {', '.join(domains)}" if domains else ""


def others_of(data: Data) -> list[str]:
    """The learner's methods except the variants of cds and the references."""
    config = data.config
    return [
        sharing
        for algorithm, sharing in config.competing
        if algorithm == data.learner and config.module("sharing", sharing) not in OWN
    ]


def interval(data: Data, values: np.ndarray) -> tuple[float, float]:
    low, high = student_t(values, data.config.protocol.confidence)
    return float(low), float(high)


def needed(differences: np.ndarray, alpha: float) -> np.ndarray:
    """The seeds that would decide an effect of the observed size, [fewest, most]."""
    return seeds_range(differences, alpha, POWER)


def asked(verdict: str, seeds: np.ndarray) -> dict[str, float]:
    """The seeds needed, if the verdict is undecided."""
    fewest, most = map(float, seeds if verdict == UNDECIDED else UNKNOWN)
    return {"seeds_fewest": fewest, "seeds_most": most}


def corrected(data: Data, p: list[float]) -> np.ndarray:
    """The p-values of a family of tests with the protocol's correction."""
    return CORRECTIONS[data.config.protocol.correction](np.array(p, float))


def undecidable(config: Config, tests: int, of: str) -> tuple[str, ...]:
    """A sentence if the profile has too few seeds to decide `tests` corrected tests, else none."""
    wanted = decisive_seeds((1 - config.protocol.confidence) / max(tests, 1))
    if config.seeds >= wanted:
        return ()
    return (
        f"{config.seeds} seed{'s' if config.seeds > 1 else ''} cannot decide any two-sided exact "
        f"test that is corrected over {tests} {of}: that takes {wanted} seeds that all agree.",
    )
