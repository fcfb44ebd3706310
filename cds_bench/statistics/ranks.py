"""Average ranks of the methods over all tasks, and whether they can be told apart."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import average_ranks
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.significance import FEWEST, ROUNDING

DIGITS = 7  # decimal places; a normalised score lies mostly between 0 and 1
COLUMNS = [
    "algorithm", "sharing", "tasks", "seeds", "rank", "p", "critical_difference", "bold", "note",
]  # fmt: skip


def ranks(config: Config, scores: pd.DataFrame) -> pd.DataFrame:
    """A row per configured method with its average rank over the tasks of all suites; 1 is best.

    References are not methods and have no rank. On each task, the methods are ranked by their mean
    headline over the seeds that *all* of them have. `seeds` is the smallest number of such seeds. A
    task without any is left out for every method, and `note` names it. p and critical_difference
    (`range_test`) are the same in all rows. `bold` marks the best rank and all ranks within the
    critical difference of it; with fewer than five seeds, it marks none. `scores` is a checked
    frame.
    """
    headlines = headline(scores, config.protocol)
    methods = config.competing
    suites, counts, lacking = [], [], []
    for suite in config.suites:
        values = np.stack([matrix(config, headlines, suite, method) for method in methods])
        common = np.where(np.isnan(values).any(axis=0), np.nan, values)
        seeds = (~np.isnan(common[0])).sum(axis=0)
        kept = seeds > 0
        suites.append(common[:, :, kept])
        counts += seeds[kept].tolist()
        tasks = zip(envs.SUITES[suite].tasks, kept, strict=True)
        lacking += [f"{suite}, {task}" for task, there in tasks if not there]
    found = average_ranks(_blocks(suites))
    alpha = 1 - config.protocol.confidence
    p, difference = range_test(suites, stream("ranks"), config.protocol.resamples, alpha)
    fewest = min(counts, default=0)
    near = (found - found.min() <= difference) & (fewest >= FEWEST)
    note = f"left out, no seed that all methods have: {'; '.join(lacking)}" if lacking else ""
    rows = [
        (*method, len(counts), fewest, rank, p, difference, bold, note)
        for method, rank, bold in zip(methods, found, near, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def range_test(
    suites: list[np.ndarray], rng: np.random.Generator, draws: int, alpha: float
) -> tuple[float, float]:
    """A permutation test that all methods rank alike: p, and the critical difference.

    suites: arrays [methods, seeds, tasks]. If the methods do not differ, their scores can be
    exchanged within a seed of a suite, for all of its tasks at once. The tasks of a suite share a
    network and are not independent, so Friedman's test over tasks rejects too often. The statistic
    is the largest minus the smallest average rank. p = (1 + hits) / (1 + draws). The critical
    difference is the statistic's 1 - alpha quantile: the probability that any pair of methods
    differs by more is at most alpha. A missing task of a seed must be NaN for all methods. Both
    results are NaN for fewer than two methods or without tasks.
    """
    if sum(values.shape[2] for values in suites) == 0 or len(suites[0]) < 2:
        return np.nan, np.nan
    observed = np.ptp(average_ranks(_blocks(suites)))
    shuffled = [_shuffled(values, rng, draws) for values in suites]
    ranges = np.ptp(average_ranks(_blocks(shuffled)), axis=-1)
    hits = np.count_nonzero(ranges >= observed - ROUNDING)
    return (1 + hits) / (1 + draws), float(np.quantile(ranges, 1 - alpha, method="higher"))


def _blocks(suites: list[np.ndarray]) -> np.ndarray:
    """Each task's means over seeds: [..., methods, seeds, tasks] -> [..., tasks, methods].

    They are rounded to the digits that scores.csv has. Otherwise the order of summation would break
    ties between equal means.
    """
    means = [np.nanmean(values, axis=-2).swapaxes(-1, -2) for values in suites]
    return np.concatenate(means, axis=-2).round(DIGITS)


def _shuffled(values: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """The methods in a random order for each seed and draw: [draws, methods, seeds, tasks]."""
    order = np.argsort(rng.random((draws, *values.shape[:2])), axis=1)
    return np.take_along_axis(values[None], order[..., None], axis=1)
