"""What strategies select: whether candidates with a higher return-to-go get a higher weight.

A target's candidates are the transitions of other tasks that were offered to it. Training measures
them at its log points (`cds_bench.training.candidates`). This module averages the measures over log
points and seeds.
"""

import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics import over_seeds
from cds_bench.statistics.metrics import SHARE, read_metrics
from cds_bench.statistics.over_seeds import with_average

PREFIX = "selection_"  # the logged names begin with it
AUC, SPEARMAN, FOREIGN, LIFT = "auc", "spearman", "foreign_share", "top_decile_lift"
MEASURES = (AUC, SPEARMAN, FOREIGN, LIFT)
WEIGHT = "weight"  # the mean over all candidates
DECILES = [f"weight_d{k}" for k in range(1, 11)]
BY_DECILE = [f"{PREFIX}{name}" for name in DECILES]
LOGGED = [*(f"{PREFIX}{name}" for name in (AUC, SPEARMAN, WEIGHT)), *BY_DECILE]
COLUMNS = ["algorithm", "sharing", "seed", "step", "metric", "target", "value"]


def read_selection(config: Config, suite: str) -> pd.DataFrame:
    """The logged measures of a suite's runs so far, and the foreign share, in COLUMNS.

    metric: auc, spearman, weight, weight_d1 ... weight_d10 as in `cds_bench.training.candidates`,
    and foreign_share, the sum of `effective_share` over all sources except the target.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for algorithm, sharing in config.methods:
        rows = read_metrics(config, suite, algorithm, sharing, [*LOGGED, SHARE])
        if rows.empty:
            continue
        shares = rows[(rows["metric"] == SHARE) & (rows["source"] != rows["target"])]
        foreign = shares.groupby(["seed", "step", "target"])["value"].sum(min_count=1).reset_index()
        logged = rows[rows["metric"] != SHARE]
        logged = logged.assign(metric=logged["metric"].str.removeprefix(PREFIX))
        both = pd.concat([logged.drop(columns="source"), foreign.assign(metric=FOREIGN)])
        parts.append(both.assign(algorithm=algorithm, sharing=sharing)[COLUMNS])
    return pd.concat(parts[1:], ignore_index=True) if len(parts) > 1 else parts[0]


def last_half(frame: pd.DataFrame) -> pd.DataFrame:
    """The log points in the second half of the longest run. A seed that failed before has none."""
    return frame[frame["step"] > frame["step"].max() / 2]


def per_seed(frame: pd.DataFrame, tasks: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Each measure of one method: a row per seed; columns are the tasks and their average.

    Each value is a mean over the log points at which the measure is defined. top_decile_lift is a
    ratio of means: the mean weight of the top decile over the mean weight of all candidates. If
    equal returns leave the top decile empty, the highest decile that is not empty replaces it.
    Values are NaN if the measure is never defined. The average needs all tasks.
    """
    wide = frame.pivot(index=["seed", "target", "step"], columns="metric", values="value")
    wide = wide.reindex(columns=[AUC, SPEARMAN, FOREIGN, WEIGHT, *DECILES]).astype(float)
    wide["top"] = wide[DECILES].ffill(axis=1).iloc[:, -1]
    means = wide.groupby(["seed", "target"])[[AUC, SPEARMAN, FOREIGN, WEIGHT, "top"]].mean()
    means[LIFT] = means["top"] / means[WEIGHT].where(means[WEIGHT] > 0)
    found = {}
    for measure in MEASURES:
        found[measure] = with_average(means[measure].unstack("target"), tasks)
    return found


def summarise(config: Config, suite: str, frame: pd.DataFrame) -> pd.DataFrame:
    """MEASURES per task (and "average") and method, in the columns of `over_seeds.SUMMARY`.

    `frame` is from `read_selection`. Values are means over the last half of training (`last_half`)
    and over seeds. `seeds` counts those that were trained, and n those that have a value. The
    Student-t interval is over the latter.
    """
    tasks, late, measured = envs.SUITES[suite].tasks, last_half(frame), []
    for method in config.methods:
        part = late[(late["algorithm"] == method[0]) & (late["sharing"] == method[1])]
        measured += [(suite, method, *each) for each in per_seed(part, tasks).items()]
    return over_seeds.summarise(config, measured)


def deciles(frame: pd.DataFrame) -> pd.Series:
    """Mean weights over seeds and the last half of training.

    The index is (algorithm, sharing, target, decile 1 to 10). NaN if a decile is always empty.
    """
    rows = last_half(frame)
    rows = rows[rows["metric"].isin(DECILES)]
    decile = rows["metric"].str.removeprefix("weight_d").astype(int).rename("decile")
    return rows.groupby(["algorithm", "sharing", "target", decile])["value"].mean()


def over_training(frame: pd.DataFrame, measure: str) -> pd.Series:
    """A measure's mean over seeds, by (algorithm, sharing, target, step)."""
    rows = frame[frame["metric"] == measure]
    return rows.groupby(["algorithm", "sharing", "target", "step"])["value"].mean()
