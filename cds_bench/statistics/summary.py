"""A suite's table as plain data, with a row per method and task, average or IQM."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import iqm
from cds_bench.statistics.conditions import random_score
from cds_bench.statistics.gaps import FAILED, RUNNING
from cds_bench.statistics.headline import (
    AVERAGE,
    Method,
    competing,
    headline,
    matrix,
    methods,
    note,
    resolution,
)
from cds_bench.statistics.intervals import stratified_iqm, student_t, wilson
from cds_bench.statistics.significance import best_and_peers, spread_of
from cds_bench.storage.columns import FAILURES

IQM = "iqm"
COLUMNS = [
    "suite", "task", "algorithm", "sharing", "n", "seeds",
    "mean", "low", "high", "bold", "score", "random", "failed", "running", "note",
]  # fmt: skip


def summarise(
    config: Config, scores: pd.DataFrame, suite: str, failures: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The columns above, in normalised score (0 random, 1 expert). Rows are in the table's order.

    seeds: the configured number of seeds. n: those that have scores. Missing values have n = 0 and
    are NaN.
    mean: over the n seeds of a task. low, high: its Student-t interval over seeds, or Wilson's
    interval of all episodes if all seeds have the same success rate.
    score: the mean raw headline. random: the random policy's normalised score, NaN if unknown.
    bold: the best of a row and its peers (`best_and_peers`). It is never true with fewer than five
    seeds, for "iqm", which is not tested, or for references, which take no part in the tests.
    failed, running: how many seeds failed, and how many are still in training.
    note: what is missing and why, from `failures` (failures.csv).

    The row "average" is the mean over tasks, for the n seeds that have all of them. The row "iqm"
    is the interquartile mean over tasks x seeds with its stratified bootstrap.
    """
    headlines = headline(scores, config.protocol)
    columns = methods(config, scores, suite)
    values = {m: matrix(config, headlines, suite, m) for m in columns}
    raw = {m: matrix(config, headlines, suite, m, "score") for m in columns}
    snapshots = {m: matrix(config, headlines, suite, m, "snapshots") for m in columns}
    lacking = {m: _lacking(failures, suite, m) for m in columns}
    tasks = envs.SUITES[suite].tasks
    methods_proper = competing(config, columns)
    chance = {task: random_score(config, task) for task in tasks}
    rows = []
    for row in [*tasks, AVERAGE, IQM]:
        pick = slice(i := tasks.index(row), i + 1) if row in tasks else slice(None)
        cells = [
            {
                **_cell(config, (suite, row, *m), values[m][:, pick]),
                "score": _mean(raw[m][:, pick]) if row in tasks else np.nan,
                "random": np.mean([chance[task] for task in tasks[pick]]) if row != IQM else np.nan,
                **{state: (lacking[m]["state"] == state).sum() for state in (FAILED, RUNNING)},
                "note": _note(
                    config,
                    values[m][:, pick],
                    snapshots[m][:, pick],
                    tasks[pick],
                    lacking[m]["reason"].to_dict(),
                ),
            }
            for m in columns
        ]
        seeds = np.array([values[m][:, pick].mean(axis=1) for m in columns])
        bold = np.zeros(len(columns), bool)
        bold[methods_proper] = best_and_peers(
            seeds[methods_proper],
            1 - config.protocol.confidence,
            config.protocol.correction,
            resolution(config, suite, len(tasks[pick])),
        )
        rows += [{**c, "bold": b and row != IQM} for c, b in zip(cells, bold, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _cell(config: Config, key: tuple[str, str, str, str], values: np.ndarray) -> dict:
    """n, mean and interval of `values` [seeds, tasks], over the seeds that have all tasks."""
    protocol = config.protocol
    complete = values[~np.isnan(values).any(axis=1)]
    if key[1] == IQM:
        estimate = iqm(complete.ravel())
        rng = stream("interval", *key)
        low, high = stratified_iqm(complete, rng, protocol.resamples, protocol.confidence)
    else:
        estimate = _mean(complete)
        low, high = _interval(config, key[0], complete)
    return {
        **dict(zip(("suite", "task", "algorithm", "sharing"), key, strict=True)),
        "n": len(complete),
        "seeds": config.seeds,
        "mean": float(estimate),
        "low": float(low),
        "high": float(high),
    }


def _interval(config: Config, suite: str, values: np.ndarray) -> tuple[float, float]:
    """Student-t interval of the mean of [seeds, tasks], or Wilson's if all seeds agree."""
    confidence, seeds = config.protocol.confidence, values.mean(axis=1)
    step = resolution(config, suite, values.shape[1])
    if step and len(seeds) > 1 and spread_of(seeds) == 0:
        return wilson(float(seeds.mean()), round(len(seeds) / step), confidence)
    low, high = student_t(seeds, confidence)
    return float(low), float(high)


def _mean(values: np.ndarray) -> float:
    return np.nan if np.isnan(values).all() else float(np.nanmean(values))


def _lacking(failures: pd.DataFrame | None, suite: str, method: Method) -> pd.DataFrame:
    """The state and the reason of each seed of a method that lacks scores."""
    frame = pd.DataFrame(columns=FAILURES) if failures is None else failures
    key = (frame["suite"], frame["algorithm"], frame["sharing"])
    rows = frame[(key[0] == suite) & (key[1] == method[0]) & (key[2] == method[1])]
    return rows.set_index("seed")[["state", "reason"]]


def _note(config: Config, values, snapshots, tasks: tuple[str, ...], failed: dict[int, str]) -> str:
    """A note on missing seeds and tasks, and on headlines over too few snapshots."""
    wanted = config.protocol.final_snapshots
    fewest = wanted if np.isnan(snapshots).all() else int(np.nanmin(snapshots))
    parts = [
        note(values, tasks, failed),
        f"{fewest} of {wanted} snapshots" if fewest < wanted else "",
    ]
    return "; ".join(part for part in parts if part)


def per_seed(config: Config, scores: pd.DataFrame, suite: str) -> dict[Method, np.ndarray]:
    """Each method's average over tasks, [seeds]. It is NaN if a task is missing."""
    headlines = headline(scores, config.protocol)
    columns = methods(config, scores, suite)
    return {m: matrix(config, headlines, suite, m).mean(axis=1) for m in columns}
