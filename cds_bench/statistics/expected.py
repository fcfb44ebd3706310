"""The rows and values that a file of scores must have according to the configuration."""

from collections.abc import Collection
from itertools import product

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.errors import BenchError
from cds_bench.statistics.reading import refuse
from cds_bench.storage.columns import REPORTED
from cds_bench.storage.reference_scores import normalised, read_references

ROW = ["task", "seed", "step", "metric"]
TOLERANCE = 1e-6  # for recomputed normalised scores; files have nine digits
HIGHEST_RETURN = 1e9


def check_scores(
    config: Config, suite: str, frame: pd.DataFrame, seeds: Collection[int], origin: str,
    exactly: bool = True,
) -> None:  # fmt: skip
    """Raises BenchError unless a method's checked rows of a suite are those of the protocol.

    There must be one row for each task, seed of `seeds`, snapshot and metric that evaluation
    reports for the task. Unless `exactly` is true, only the task's own metric is required, and
    there may be more episodes than in the protocol. Success rates must lie in [0, 1], and
    normalised scores must agree with the task's references.
    """
    steps = snapshot_steps(own := config.of(suite))
    final = set(steps[-own.protocol.final_snapshots :])
    tasks = envs.SUITES[suite].tasks
    wanted = {
        (*key, metric)
        for key in product(tasks, seeds, steps)
        for metric in REPORTED[envs.TASKS[key[0]].metric]
    }
    needed = wanted if exactly else {key for key in wanted if key[3] == envs.TASKS[key[0]].metric}
    found = set(frame[ROW].itertuples(index=False, name=None))
    for rows, what in ((needed - found, "missing"), (found - wanted, "not expected")):
        if rows:
            first = ", ".join(f"{n} {v}" for n, v in zip(ROW, min(rows), strict=True))
            raise BenchError(
                f"{origin}: {len(rows)} rows of {suite} are {what} (first: {first}); expected "
                f"{len(needed)}, for each task, seed, snapshot and metric of the configuration; "
                "delete the file to have it made again"
            )
    episodes = np.where(
        frame["step"].isin(final), own.protocol.final_episodes, own.protocol.curve_episodes
    )
    few = frame["episodes"] != episodes if exactly else frame["episodes"] < episodes
    refuse(frame, "episodes", few, "the protocol's" if exactly else "those asked for", origin)
    success = frame["metric"] != "return"
    refuse(frame, "score", success & ~frame["score"].between(0, 1), "a rate from 0 to 1", origin)
    high = frame["score"].abs() > HIGHEST_RETURN
    refuse(frame, "score", high, f"a return below {HIGHEST_RETURN:g}", origin)
    _check_normalised(config, frame, origin)


def _check_normalised(config: Config, frame: pd.DataFrame, origin: str) -> None:
    for task, rows in frame.groupby("task", sort=False):
        references = read_references(config, task)
        expected = normalised(references, rows["score"])
        size = 1.0
        if references["metric"] == "return":
            random, expert = references["random"]["mean"], references["expert"]["mean"]
            size = 1.0 + (rows["score"].abs() + abs(random)) / (expert - random)
        wrong = (rows["normalized_score"] - expected).abs() > TOLERANCE * size
        bad = wrong.reindex(frame.index, fill_value=False)
        refuse(frame, "normalized_score", bad, f"what the references of {task} give", origin)
