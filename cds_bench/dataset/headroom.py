"""Headroom: how useful other tasks' data are to a task, computed without any training."""

import numpy as np
import pandas as pd

from cds_bench.dataset.pool import Pool
from cds_bench.dataset.returns import returns_to_go

HIGH = 90.0  # a percentile of a task's own returns-to-go, used in addition to their mean
COLUMNS = [
    "suite", "target", "source", "discount", "own_transitions", "transitions", "own_mean", "mean",
    "above_mean", "above_high",
]  # fmt: skip


def headroom(pool: Pool, discount: float) -> pd.DataFrame:
    """The columns above, with a row for every pair of a target and another task as source.

    G is the return-to-go under the target's reward. own_mean and mean are the means of G over the
    target's own transitions and over the source's transitions. own_transitions and transitions are
    the numbers of these. above_mean and above_high are the shares of the source's transitions whose
    G lies strictly above the mean and above the 90th percentile (linear interpolation) of the
    target's own G.
    """
    returns = returns_to_go(pool.rewards, pool.terminals, pool.ends, discount)
    rows = []
    for target, name in enumerate(pool.tasks):
        of_source = [
            returns[pool.source == k, target].astype(float) for k in range(len(pool.tasks))
        ]
        own = of_source[target]
        mean, high = own.mean(), np.percentile(own, HIGH)
        rows += [
            (pool.suite, name, pool.tasks[source], discount, len(own), len(theirs), mean,
             theirs.mean(), (theirs > mean).mean(), (theirs > high).mean())
            for source, theirs in enumerate(of_source)
            if source != target
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)
