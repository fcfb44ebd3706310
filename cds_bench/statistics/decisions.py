"""What tests of the paper's claims share: the data that they read and the decision they come to."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.headline import Method, matrix
from cds_bench.statistics.intervals import student_t
from cds_bench.statistics.shift import KL
from cds_bench.statistics.significance import effect_size, seeds_needed

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
POWER = 0.8  # that the seeds asked for would give
NO_SHARING, SHARING_ALL, CDS = "no_sharing", "sharing_all", "cds"
OWN = (CDS, "cds_basic", "cds_uds")  # variants of the paper's method: not "prior methods"
PAPERS_DOMAINS = ("locomotion", "navigation", "manipulation", "vision")
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


def not_run(domains: list[str]) -> str:
    return f"not run: {', '.join(domains)}" if domains else ""


def others_of(data: Data) -> list[str]:
    """The learner's other methods: no variants of cds, and no references."""
    config = data.config
    return [
        sharing
        for algorithm, sharing in config.competing
        if algorithm == data.learner and config.module("sharing", sharing) not in OWN
    ]


def interval(data: Data, values: np.ndarray) -> tuple[float, float]:
    low, high = student_t(values, data.config.protocol.confidence)
    return float(low), float(high)


def needed(differences: np.ndarray, alpha: float) -> float:
    """Seeds that would decide an effect of the size seen; NaN for fewer than three."""
    return seeds_needed(effect_size(differences), alpha, POWER)
