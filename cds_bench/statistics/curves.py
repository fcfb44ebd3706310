"""Learning curves: each method's scores over training, and their intervals over seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.headline import Method
from cds_bench.statistics.intervals import bootstrap_mean
from cds_bench.statistics.schema import own_metric


@dataclass(frozen=True)
class Curve:
    """One method on one task. Every array is [steps]; n is the number of seeds per point."""

    steps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def curve(config: Config, scores: pd.DataFrame, suite: str, task: str, method: Method) -> Curve:
    """Mean normalised score and bootstrap interval over seeds at each snapshot.

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
        return Curve(nothing, nothing, nothing, nothing, 0)
    rng = stream("curve", suite, task, *method)
    low, high = bootstrap_mean(values, rng, config.protocol.resamples, config.protocol.confidence)
    return Curve(wide.columns.to_numpy(float), values.mean(axis=0), low, high, len(values))
