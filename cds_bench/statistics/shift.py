"""Distribution shift and scores: how far policies moved and what their critics expect."""

from collections.abc import Iterable
from itertools import product

import pandas as pd

import envs
from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.statistics import over_seeds
from cds_bench.statistics.gaps import evaluated
from cds_bench.statistics.headline import headline
from cds_bench.statistics.over_seeds import with_average
from cds_bench.statistics.schema import check_columns, read_csv
from cds_bench.storage import files, paths
from cds_bench.storage.columns import CELL, SHIFT

KL, OVERESTIMATION, SCORE = "kl", "overestimation", "normalized_score"
MEASURES = (KL, OVERESTIMATION, SCORE)


def merge(config: Config, suite: str) -> pd.DataFrame:
    """The shift of a suite's configured runs so far: a row per seed and task, columns SHIFT.

    overestimation = q_initial - discounted_return: Q(s_0, pi(s_0)) minus the discounted return in
    evaluation, in the algorithm's units of reward. It should be negative for a conservative critic.
    """
    parts = []
    for run in jobs.runs(config, suite):
        moved, values = paths.run(config, *run) / "shift.csv", paths.run_values(config, *run)
        if evaluated(config, run) and moved.exists() and values.exists():
            parts.append(read_csv(values).merge(read_csv(moved), on=["seed", "task"]))
    if not parts:
        return pd.DataFrame(columns=SHIFT)
    frame = pd.concat(parts, ignore_index=True)
    frame[OVERESTIMATION] = frame["q_initial"] - frame["discounted_return"]
    return frame[SHIFT]


def write_shift(config: Config, suite: str) -> None:
    """Writes shift/<suite>.csv."""
    files.write_csv(paths.shift(config, suite), merge(config, suite))


def read_shift(config: Config, suite: str = "") -> pd.DataFrame:
    """Reads and checks shift/<suite>.csv, or shift.csv if no suite is named."""
    path = paths.shift(config, suite)
    frame = read_csv(path)
    check_columns(frame, SHIFT, str(path))
    return frame


def summarise(
    config: Config, shift: pd.DataFrame, scores: pd.DataFrame, suites: Iterable[str] = ()
) -> pd.DataFrame:
    """MEASURES per suite, task (and "average") and method: `over_seeds.SUMMARY` without `seeds`.

    Of the named suites, or of all configured ones, with the Student-t interval over the n
    seeds; the average is over the suite's tasks per seed, for seeds that have them all. `scores`
    is a checked frame; a seed's score is its headline.
    """
    frame = shift.merge(headline(scores, config.protocol)[[*CELL, SCORE]], on=CELL)
    measured = []
    for suite, method in product(suites or config.suites, config.methods):
        part = frame[(frame[["suite", "algorithm", "sharing"]] == [suite, *method]).all(axis=1)]
        for measure in MEASURES:
            wide = part.pivot(index="seed", columns="task", values=measure)
            measured.append((suite, method, measure, with_average(wide, envs.SUITES[suite].tasks)))
    return over_seeds.summarise(config, measured).drop(columns="seeds")
