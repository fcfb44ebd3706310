"""Learning curves: each method's scores over training, and their intervals over seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cds_bench.config import Config
from cds_bench.statistics.headline import Method
from cds_bench.statistics.intervals import student_t
from cds_bench.statistics.schema import own_metric


@dataclass(frozen=True)
class Curve:
    """One method on one task. `values` has shape [n seeds, steps], all other arrays [steps]."""

    steps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    values: np.ndarray

    @property
    def n(self) -> int:
        return len(self.values)


def curve(config: Config, scores: pd.DataFrame, suite: str, task: str, method: Method) -> Curve:
    """Mean normalised score and Student-t interval over seeds at each snapshot.

    Only steps that all of the method's seeds have are kept, so that every point of a curve
    averages the same seeds. Without scores, n is 0 and the arrays are empty.
    """
    rows = scores[
        (scores["suite"] == suite)
        & (scores["task"] == task)
        & (scores["algorithm"] == method[0])
        & (scores["sharing"] == method[1])
        & (scores["seed"] < config.seeds)
    ]
    wide = (
        own_metric(rows)
        .pivot(index="seed", columns="step", values="normalized_score")
        .dropna(axis=1)
    )
    values = wide.to_numpy(float)
    if values.size == 0:
        nothing = np.empty(0)
        return Curve(nothing, nothing, nothing, nothing, np.empty((0, 0)))
    low, high = student_t(values, config.protocol.confidence)
    return Curve(wide.columns.to_numpy(float), values.mean(axis=0), low, high, values)
