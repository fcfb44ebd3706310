"""Distribution shift beside the score: how far policies moved, and what their critics expect."""

from collections.abc import Iterable
from itertools import product

import pandas as pd

import envs
from cds_bench import files, paths, workflow
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.gaps import evaluated
from cds_bench.statistics.headline import headline
from cds_bench.statistics.intervals import mean_over_seeds
from cds_bench.statistics.schema import check_columns, read_csv

KEY = ["suite", "task", "algorithm", "sharing", "seed"]
KL, OVERESTIMATION, SCORE = "kl", "overestimation", "normalized_score"
MEASURES = (KL, OVERESTIMATION, SCORE)
COLUMNS = [*KEY, KL, "log_likelihood", "q_initial", "discounted_return", OVERESTIMATION]
SUMMARY = ["suite", "task", "algorithm", "sharing", "measure", "n", "mean", "low", "high"]
AVERAGE = "average"


def merge(config: Config, suite: str) -> pd.DataFrame:
    """The columns above over a suite's configured runs that are there, a row per seed and task.

    overestimation = q_initial - discounted_return: Q(s_0, pi(s_0)) minus the discounted return in
    evaluation, in the algorithm's units of reward. A conservative critic's is meant to be negative.
    """
    parts = []
    for run in workflow.runs(config, suite):
        moved, values = paths.run(config, *run) / "shift.csv", paths.run_values(config, *run)
        if evaluated(config, run) and moved.exists() and values.exists():
            parts.append(read_csv(values).merge(read_csv(moved), on=["seed", "task"]))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    frame = pd.concat(parts, ignore_index=True)
    frame[OVERESTIMATION] = frame["q_initial"] - frame["discounted_return"]
    return frame[COLUMNS]


def write_shift(config: Config, suite: str) -> None:
    """Writes shift/<suite>.csv."""
    files.write_csv(paths.shift(config, suite), merge(config, suite))


def read_shift(config: Config, suite: str = "") -> pd.DataFrame:
    """shift/<suite>.csv, or shift.csv, checked."""
    path = paths.shift(config, suite)
    frame = read_csv(path)
    check_columns(frame, COLUMNS, str(path))
    return frame


def summarise(
    config: Config, shift: pd.DataFrame, scores: pd.DataFrame, suites: Iterable[str] = ()
) -> pd.DataFrame:
    """SUMMARY's columns: MEASURES per suite, task (and "average") and method, means over seeds.

    Of the named suites, or of all configured ones, with the percentile bootstrap interval over the
    n seeds; the average is over the suite's tasks per seed, for seeds that have them all. `scores`
    is a checked frame; a seed's score is its headline.
    """
    frame = shift.merge(headline(scores, config.protocol)[[*KEY, SCORE]], on=KEY)
    bootstrap = (config.protocol.resamples, config.protocol.confidence)
    rows = []
    for suite, method in product(suites or config.suites, config.methods):
        tasks = list(envs.SUITES[suite].tasks)
        part = frame[(frame[["suite", "algorithm", "sharing"]] == [suite, *method]).all(axis=1)]
        for measure in MEASURES:
            wide = part.pivot(index="seed", columns="task", values=measure).reindex(columns=tasks)
            wide[AVERAGE] = wide.mean(axis=1, skipna=False)
            for task in [*tasks, AVERAGE]:
                key = (suite, task, *method, measure)
                values = wide[task].dropna().to_numpy(float)
                found = mean_over_seeds(values, stream("shift", *key), *bootstrap)
                rows.append((*key, *found))
    return pd.DataFrame(rows, columns=SUMMARY)
