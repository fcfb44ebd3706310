"""Average ranks of the methods over all tasks, and whether they can be told apart."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.aggregates import average_ranks
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.significance import friedman, nemenyi_difference

COLUMNS = [
    "algorithm", "sharing", "tasks", "seeds", "rank", "friedman_p", "critical_difference",
    "bold", "note",
]  # fmt: skip


def ranks(config: Config, scores: pd.DataFrame) -> pd.DataFrame:
    """A row per configured method: its rank, averaged over the tasks of all suites (1 the best).

    References are no methods and have no rank. A task ranks the methods by their mean headline over
    the seeds that *all* of them have there; `seeds` is the fewest of these. A task without such a
    seed is left out for every method, and `note` names it. friedman_p and critical_difference
    (Nemenyi, at 1 - confidence) are the table's; `bold` marks the best rank, and those closer to it
    than the critical difference, if the Friedman test finds a difference, else all. `scores` is a
    checked frame.
    """
    headlines = headline(scores, config.protocol)
    methods = config.competing
    means, counts, lacking = [], [], []
    for suite in config.suites:
        values = np.stack([matrix(config, headlines, suite, method) for method in methods])
        for place, task in enumerate(envs.SUITES[suite].tasks):
            common = values[:, ~np.isnan(values[:, :, place]).any(axis=0), place]
            if common.shape[1]:
                means.append(common.mean(axis=1))
                counts.append(common.shape[1])
            else:
                lacking.append(f"{suite}, {task}")
    blocks = np.array(means).reshape(-1, len(methods))
    found, p = average_ranks(blocks), friedman(blocks)
    alpha = 1 - config.protocol.confidence
    difference = nemenyi_difference(len(methods), len(blocks), alpha)
    near = found - found.min() <= difference if p < alpha else ~np.isnan(found)
    note = f"left out, no seed that all methods have: {'; '.join(lacking)}" if lacking else ""
    fewest = min(counts, default=0)
    rows = [
        (*method, len(blocks), fewest, rank, p, difference, bold, note)
        for method, rank, bold in zip(methods, found, near, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
