"""Average ranks of the methods over all tasks, and whether they can be told apart."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import average_ranks
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.significance import FEWEST, ROUNDING

COLUMNS = [
    "algorithm", "sharing", "tasks", "seeds", "rank", "p", "critical_difference", "bold", "note",
]  # fmt: skip


def ranks(config: Config, scores: pd.DataFrame) -> pd.DataFrame:
    """A row per configured method: its rank, averaged over the tasks of all suites (1 the best).

    References are no methods and have no rank. A task ranks the methods by their mean headline over
    the seeds that *all* of them have there; `seeds` is the fewest of these. A task without such a
    seed is left out for every method, and `note` names it. p and critical_difference (`range_test`)
    are the table's; `bold` marks the best rank, and those no farther from it than the
    critical difference; none with fewer than five seeds. `scores` is a checked frame.
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
    """A permutation test that all methods rank alike: suites of [methods, seeds, tasks] -> two.

    If the methods do not differ, their scores may change places within a seed of a suite, for all
    its tasks at once: tasks of a suite share a network and are not independent, so that Friedman's
    test over tasks rejects too often. The statistic is the largest minus the smallest average rank.
    Returns p = (1 + hits) / (1 + draws), and the critical difference: the statistic's 1 - alpha
    quantile, which all pairs' differences at once exceed with a probability of at most alpha. A
    NaN is a seed's missing task, of all methods alike. NaN for fewer than two methods or without
    tasks.
    """
    if sum(values.shape[2] for values in suites) == 0 or len(suites[0]) < 2:
        return np.nan, np.nan
    observed = np.ptp(average_ranks(_blocks(suites)))
    shuffled = [_shuffled(values, rng, draws) for values in suites]
    ranges = np.ptp(average_ranks(_blocks(shuffled)), axis=-1)
    hits = np.count_nonzero(ranges >= observed - ROUNDING)
    return (1 + hits) / (1 + draws), float(np.quantile(ranges, 1 - alpha, method="higher"))


def _blocks(suites: list[np.ndarray]) -> np.ndarray:
    """Each task's means over seeds: of [..., methods, seeds, tasks], [..., tasks, methods]."""
    means = [np.nanmean(values, axis=-2).swapaxes(-1, -2) for values in suites]
    return np.concatenate(means, axis=-2)


def _shuffled(values: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """The methods in another order for each seed and draw: [draws, methods, seeds, tasks]."""
    order = np.argsort(rng.random((draws, *values.shape[:2])), axis=1)
    return np.take_along_axis(values[None], order[..., None], axis=1)
