"""Means over seeds, with bootstrap intervals, of measures per task and method."""

from collections.abc import Iterable

import pandas as pd

from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.headline import AVERAGE, Method
from cds_bench.statistics.intervals import mean_over_seeds

SUMMARY = [
    "suite", "task", "algorithm", "sharing", "measure", "seeds", "n", "mean", "low", "high",
]  # fmt: skip


def with_average(values: pd.DataFrame, tasks: Iterable[str]) -> pd.DataFrame:
    """A row per seed; columns are the tasks and their average (NaN if a task is missing)."""
    wide = values.reindex(columns=list(tasks))
    return wide.assign(**{AVERAGE: wide.mean(axis=1, skipna=False)})


def summarise(
    config: Config,
    purpose: str,
    measured: Iterable[tuple[str, Method, str, pd.DataFrame]],
) -> pd.DataFrame:
    """Summarises (suite, method, measure, values) in the columns SUMMARY.

    `values` is a frame as `with_average` returns it. There is a row per task and one for their
    average. Each row has the mean over the n seeds that have a value, with its percentile bootstrap
    interval; `seeds` counts all seeds. The random streams are named after `purpose`.
    """
    bootstrap = (config.protocol.resamples, config.protocol.confidence)
    rows = []
    for suite, method, measure, values in measured:
        for task, column in values.items():
            key = (suite, task, *method, measure)
            defined = column.dropna().to_numpy(float)
            found = mean_over_seeds(defined, stream(purpose, *key), *bootstrap)
            rows.append((*key, len(values), *found))
    return pd.DataFrame(rows, columns=SUMMARY)
