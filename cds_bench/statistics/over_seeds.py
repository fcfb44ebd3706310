"""Measures of tasks and methods as means over seeds, with Student-t intervals."""

from collections.abc import Iterable

import pandas as pd

from cds_bench.config import Config
from cds_bench.statistics.headline import AVERAGE, Method
from cds_bench.statistics.intervals import student_t

SUMMARY = [
    "suite", "task", "algorithm", "sharing", "measure", "seeds", "n", "mean", "low", "high",
]  # fmt: skip


def with_average(values: pd.DataFrame, tasks: Iterable[str]) -> pd.DataFrame:
    """A row per seed. Columns are the tasks and their average, NaN if a task is missing."""
    wide = values.reindex(columns=list(tasks))
    return wide.assign(**{AVERAGE: wide.mean(axis=1, skipna=False)})


def summarise(
    config: Config, measured: Iterable[tuple[str, Method, str, pd.DataFrame]]
) -> pd.DataFrame:
    """Summarises (suite, method, measure, values) in the columns SUMMARY.

    There is a row for each task and one for their average. `seeds` counts the rows of `values`, and
    n those that have a value. The mean and its Student-t interval are over these n.
    """
    rows = []
    for suite, method, measure, values in measured:
        for task, column in values.items():
            key = (suite, task, *method, measure)
            defined = column.dropna().to_numpy(float)
            mean = defined.mean() if len(defined) else float("nan")
            ends = student_t(defined, config.protocol.confidence)
            rows.append((*key, len(values), len(defined), mean, *map(float, ends)))
    return pd.DataFrame(rows, columns=SUMMARY)
