"""What a perfect selection would gain: references and sharing all data against no sharing."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.comparisons import compare
from cds_bench.statistics.headline import AVERAGE, headline, matrix

NO_SHARING, SHARING_ALL = "no_sharing", "sharing_all"
COLUMNS = [
    "suite", "task", "algorithm", "sharing", "n", "no_sharing", "mean", "difference", "low", "high",
    "p", "note",
]  # fmt: skip


def gains(config: Config, scores: pd.DataFrame, suite: str) -> pd.DataFrame:
    """A row per algorithm, strategy (see `measured`) and task, plus "average"; columns COLUMNS.

    All numbers are over the n seeds that both sides have. `no_sharing` and `mean` are the means of
    both sides, in normalised score. difference = mean of (strategy - no_sharing), with its
    Student-t interval. p is from the exact sign-flip permutation test. It is not corrected, because
    each suite asks a single question with its oracle. `scores` is a checked frame.
    """
    headlines = headline(scores, config.protocol)
    tasks, rows = envs.SUITES[suite].tasks, []
    for algorithm, sharing in measured(config):
        ours, base = (
            matrix(config, headlines, suite, (algorithm, name)) for name in (sharing, NO_SHARING)
        )
        for task in [*tasks, AVERAGE]:
            pick = slice(None) if task == AVERAGE else slice(i := tasks.index(task), i + 1)
            key = (suite, task, algorithm, sharing)
            row = compare(config, headlines, key, (algorithm, NO_SHARING), pick)
            row["mean"], row["no_sharing"] = _means(ours[:, pick], base[:, pick])
            rows.append({name: row[name] for name in COLUMNS})
    return pd.DataFrame(rows, columns=COLUMNS)


def measured(config: Config) -> list[tuple[str, str]]:
    """(algorithm, strategy) of references and sharing_all, for algorithms with no_sharing."""
    found = []
    for algorithm in config.algorithms:
        names = config.strategies(algorithm)
        every = [name for name in names if config.module("sharing", name) == SHARING_ALL]
        references = [name for name in names if name in config.references]
        if NO_SHARING in names:
            found += [(algorithm, name) for name in (*references, *every)]
    return found


def _means(ours: np.ndarray, base: np.ndarray) -> tuple[float, float]:
    """Both sides' means over the seeds that are complete on both; NaN if no seed is.

    ours, base: [seeds, tasks].
    """
    both = ~np.isnan(ours + base).any(axis=1)
    return (ours[both].mean(), base[both].mean()) if both.any() else (np.nan, np.nan)
