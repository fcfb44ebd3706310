"""Checks on the results whether the runs can tell anything about sharing.

Each condition is checked for each algorithm without sharing on each suite. The criteria are fixed
here [ours].
"""

import math
from dataclasses import astuple, dataclass, fields

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.config.horizons import CLONING, REQUIRED, WANTED, horizons
from cds_bench.errors import BenchError
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.schema import own_metric
from cds_bench.storage import files, paths

NO_SHARING = "no_sharing"
MET, NOT_MET, NO_DATA, NOT_ASKED = "met", "not met", "no data", "not asked"
HORIZONS, BEATS_CLONING, BEATS_RANDOM, CRITIC, FLAT = CONDITIONS = (
    "horizons", "beats cloning", "beats random", "critic", "flat end",
)  # fmt: skip
FACTOR = 2.0  # Q at the initial states may differ from the discounted return by this factor
LAST = 0.8  # the fraction of training after which its last fifth begins


@dataclass(frozen=True)
class Check:
    """A condition for an algorithm on a suite, and whether the algorithm meets it.

    value: what was measured. against: what it is compared with. n: the number of seeds behind the
    value. note: the task that decides, if a single task does, or the reason for a missing verdict.
    """

    suite: str
    algorithm: str
    condition: str
    n: int = 0
    value: float = np.nan
    against: float = np.nan
    verdict: str = NO_DATA
    note: str = ""


COLUMNS = [field.name for field in fields(Check)]


def checks(config: Config, scores: pd.DataFrame, shift: pd.DataFrame) -> pd.DataFrame:
    """One row per condition for every suite and every algorithm that is trained without sharing.

    `scores` is a checked frame. `shift` has the columns of shift.csv.
    """
    headlines = headline(scores, config.protocol)
    found: list[Check] = []
    for suite in config.suites:
        for algorithm in (a for a, s in config.methods if s == NO_SHARING):
            found += [
                covers_horizon(config, suite, algorithm),
                beats_cloning(config, headlines, suite, algorithm),
                beats_random(config, headlines, suite, algorithm),
                critic(config, shift, suite, algorithm),
                flat(config, scores, suite, algorithm),
            ]
    return pd.DataFrame([astuple(row) for row in found], columns=COLUMNS)


def verdict(met: bool) -> str:
    return MET if met else NOT_MET


def covers_horizon(config: Config, suite: str, algorithm: str) -> Check:
    """steps x target_rate x (1 - discount) >= the profile's requirement (`config.horizons`)."""
    value, against = horizons(config, suite, algorithm), REQUIRED.get(config.profile, WANTED)
    said = NOT_ASKED if math.isnan(value) else verdict(round(value, 9) >= against)
    return Check(suite, algorithm, HORIZONS, config.seeds, value, against, said)


def beats_cloning(config: Config, headlines: pd.DataFrame, suite: str, algorithm: str) -> Check:
    """no_sharing's mean over tasks and seeds > cloning's, over the seeds that both have."""
    cloning = [a for a, s in config.methods if s == NO_SHARING and _clones(config, a)]
    if _clones(config, algorithm):
        return Check(suite, algorithm, BEATS_CLONING, verdict=NOT_ASKED)
    if not cloning:
        return Check(suite, algorithm, BEATS_CLONING, note=f"{CLONING} is not trained")
    ours, theirs = (
        matrix(config, headlines, suite, (name, NO_SHARING)).mean(axis=1)
        for name in (algorithm, cloning[0])
    )
    both = ~np.isnan(ours + theirs)
    if not both.any():
        return Check(suite, algorithm, BEATS_CLONING, note="no seed has both")
    value, against = ours[both].mean(), theirs[both].mean()
    said = verdict(value > against)
    return Check(suite, algorithm, BEATS_CLONING, int(both.sum()), value, against, said)


def beats_random(config: Config, headlines: pd.DataFrame, suite: str, algorithm: str) -> Check:
    """Every task's mean over seeds > the random policy's. The row names the closest task."""
    tasks = envs.SUITES[suite].tasks
    values = matrix(config, headlines, suite, (algorithm, NO_SHARING))
    random = np.array([random_score(config, task) for task in tasks])
    margins = np.array([_mean(column) for column in values.T]) - random
    if np.isnan(margins).any():
        lacking = [task for task, margin in zip(tasks, margins, strict=True) if np.isnan(margin)]
        return Check(suite, algorithm, BEATS_RANDOM, note=f"no score of {', '.join(lacking)}")
    least = int(np.argmin(margins))
    n = int((~np.isnan(values[:, least])).sum())
    numbers = (n, margins[least] + random[least], random[least])
    return Check(
        suite, algorithm, BEATS_RANDOM, *numbers, verdict(margins[least] > 0), tasks[least]
    )


def random_score(config: Config, task: str) -> float:
    """The random policy's normalised score, 0 for returns, or its success rate; NaN if unknown."""
    if envs.TASKS[task].metric == "return":
        return 0.0
    try:
        return float(files.read_json(paths.references(config, task))["random"]["mean"])
    except (BenchError, KeyError, TypeError, ValueError):
        return math.nan


def critic(config: Config, shift: pd.DataFrame, suite: str, algorithm: str) -> Check:
    """1 / FACTOR <= Q at initial states / discounted return <= FACTOR, for every task's means.

    Both are in the algorithm's units of reward (shift.csv). The row reports the task whose ratio is
    farthest from 1. If the two numbers differ in sign, or if one is 0, the condition is not met.
    """
    if _clones(config, algorithm):
        return Check(suite, algorithm, CRITIC, verdict=NOT_ASKED)
    rows = shift[
        (shift["suite"] == suite)
        & (shift["algorithm"] == algorithm)
        & (shift["sharing"] == NO_SHARING)
        & (shift["seed"] < config.seeds)
    ].dropna(subset=["q_initial", "discounted_return"])
    if rows.empty:
        return Check(suite, algorithm, CRITIC)
    means = rows.groupby("task", sort=False)[["q_initial", "discounted_return"]].mean()
    distance = means.apply(lambda row: _distance(*row), axis=1)
    task = distance.idxmax()
    numbers = (int((rows["task"] == task).sum()), *map(float, means.loc[task]))
    said = verdict(distance[task] <= math.log(FACTOR))
    return Check(suite, algorithm, CRITIC, *numbers, said, str(task))


def _distance(q: float, expected: float) -> float:
    """|log(q / expected)|; infinite if the logarithm is undefined."""
    return abs(math.log(q / expected)) if q * expected > 0 else math.inf


def flat(config: Config, scores: pd.DataFrame, suite: str, algorithm: str) -> Check:
    """|change over the last fifth of training| < standard deviation between seeds.

    Scores are averaged over tasks. For each seed, change = headline - score at 0.8 of the steps.
    The latter is interpolated linearly between the two nearest snapshots. The mean change over
    seeds is compared with the sample standard deviation of the headlines. Only seeds that have
    every snapshot count.
    """
    rows = own_metric(scores)
    rows = rows[
        (rows["suite"] == suite)
        & (rows["algorithm"] == algorithm)
        & (rows["sharing"] == NO_SHARING)
        & (rows["seed"] < config.seeds)
    ]
    wide = rows.pivot(index=["seed", "step"], columns="task", values="normalized_score")
    wide = wide.reindex(columns=list(envs.SUITES[suite].tasks))
    curves = wide.mean(axis=1, skipna=False).unstack("step").dropna()
    if len(curves) < 2:
        return Check(suite, algorithm, FLAT, len(curves), note="fewer than two seeds are complete")
    steps = curves.columns.to_numpy(float)
    start = LAST * config.of(suite).training.steps
    if not steps[0] <= start <= steps[-1]:
        return Check(suite, algorithm, FLAT, note="no snapshot before the last fifth")
    values = curves.to_numpy(float)
    final = values[:, -config.protocol.final_snapshots :].mean(axis=1)
    change = np.mean(final - np.array([np.interp(start, steps, row) for row in values]))
    spread = final.std(ddof=1)
    said = verdict(abs(change) < spread or change == 0)
    return Check(suite, algorithm, FLAT, len(curves), change, spread, said)


def _clones(config: Config, algorithm: str) -> bool:
    return config.module("algorithms", algorithm) == CLONING


def _mean(values: np.ndarray) -> float:
    """The mean over the values that are not NaN; NaN if there are none."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else math.nan
