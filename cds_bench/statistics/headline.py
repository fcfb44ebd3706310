"""Headline scores: one number per task, method and seed, and the matrices for the tables.

The headline of a run is the mean over its last `final_snapshots` snapshots, never the best one.
Single snapshots of offline learning vary wildly, and the best of them is a biased estimate.
"""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config, Protocol
from cds_bench.statistics.schema import NO_SHARING_NAMED, own_metric
from cds_bench.storage.columns import CELL, RUN

AVERAGE = "average"  # replaces a task's name for the mean over all tasks of a suite
DIGITS = 11  # after the decimal point; scores.csv has nine digits
Method = tuple[str, str]  # algorithm, sharing


def headline(scores: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Means over each run's last `final_snapshots` steps, in each task's own metric.

    `scores` is a checked frame (`schema.validate`). Returns the columns suite, task, algorithm,
    sharing, seed, score, normalized_score and `snapshots`, the number of rows behind the means. The
    last steps are those of the whole run. A task without a score at one of them has fewer rows; it
    is not padded with earlier steps. Means are rounded to DIGITS, because the order of summation
    would otherwise tell equal ones apart.
    """
    steps = scores[[*RUN, "step"]].drop_duplicates().sort_values("step")
    final = steps.groupby(RUN, sort=False).tail(protocol.final_snapshots)
    rows = own_metric(scores).merge(final, on=[*RUN, "step"])
    found = rows.groupby(CELL, sort=False, as_index=False).agg(
        score=("score", "mean"),
        normalized_score=("normalized_score", "mean"),
        snapshots=("step", "size"),
    )
    return found.round({"score": DIGITS, "normalized_score": DIGITS})


def methods(config: Config, scores: pd.DataFrame, suite: str) -> list[Method]:
    """The columns of a suite's table: the configured methods in order, then the others.

    The others are sorted by name: methods that appear only in the scores (external baselines),
    and configured baselines without scores.
    """
    configured = config.methods
    rows = scores[scores["suite"] == suite]
    found = set(zip(rows["algorithm"], rows["sharing"], strict=True))
    named = {algorithm for algorithm, _ in found}
    found |= {(name, NO_SHARING_NAMED) for name in config.baselines if name not in named}
    return [*configured, *sorted(found - set(configured))]


def competing(config: Config, columns: list[Method]) -> np.ndarray:
    """Which of these methods compete, [methods] bool: all except the configured references."""
    references = {(a, s) for a, s in config.methods if s in config.references}
    return np.array([method not in references for method in columns], bool)


def matrix(
    config: Config, headlines: pd.DataFrame, suite: str, method: Method, column="normalized_score"
) -> np.ndarray:
    """A method's headline scores [seeds, tasks], NaN where missing.

    Rows are the configured seeds, range(config.seeds), no matter which seeds have scores. Columns
    are the suite's tasks in order.
    """
    rows = headlines[
        (headlines["suite"] == suite)
        & (headlines["algorithm"] == method[0])
        & (headlines["sharing"] == method[1])
    ]
    wide = rows.pivot(index="seed", columns="task", values=column)
    wide = wide.reindex(index=range(config.seeds), columns=list(envs.SUITES[suite].tasks))
    return wide.to_numpy(float)


def resolution(config: Config, suite: str, tasks: int) -> float:
    """The smallest step of a seed's mean score over `tasks` tasks of a suite.

    For success rates, which count the final snapshots' episodes, it is
    1 / (tasks snapshots episodes). For returns, which are continuous, it is 0.
    """
    if envs.TASKS[envs.SUITES[suite].tasks[0]].metric != "success":
        return 0.0
    protocol = config.protocol
    return 1 / (tasks * protocol.final_snapshots * protocol.final_episodes)


def note(values: np.ndarray, tasks: tuple[str, ...], failed: dict[int, str] | None = None) -> str:
    """A note on the scores missing from a cell; empty if none are. `values` is [seeds, tasks].

    An average counts a seed only if it has all tasks. The note names each seed that misses some
    tasks, with those tasks, and each seed without any scores. `failed` maps such a seed to the
    reason, if it is known.
    """
    failed, absent = failed or {}, np.isnan(values)
    empty = [seed for seed in range(len(values)) if absent[seed].all()]
    unknown = [seed for seed in empty if seed not in failed]
    reasons = dict.fromkeys(failed[seed] for seed in empty if seed in failed)
    parts = [
        f"{_seeds([seed for seed in empty if failed.get(seed) == reason])}: {reason}"
        for reason in reasons
    ]
    parts += [f"no scores for {_seeds(unknown)}"] if unknown else []
    for seed in np.flatnonzero(absent.any(axis=1) & ~absent.all(axis=1)):
        lacking = ", ".join(task for task, gone in zip(tasks, absent[seed], strict=True) if gone)
        parts.append(f"seed {seed} left out: no {lacking}")
    return "; ".join(parts)


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
