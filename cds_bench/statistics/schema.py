"""The one result schema: a tidy row per suite, task, algorithm, sharing, seed and snapshot.

Every file of scores, ours or an external baseline's, is checked here before anything is computed.
"""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

import envs
from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError, nearest
from cds_bench.statistics.expected import check_scores
from cds_bench.statistics.gaps import FAILED, MISSING, RUNNING, Run, evaluated, gaps, seeds_of
from cds_bench.statistics.reading import check_columns, integers, numbers, one_of, read_csv, refuse
from cds_bench.storage import files, paths, seals
from cds_bench.storage.columns import CELL, FAILURES, SCORES

KEY = [*CELL, "step", "metric"]
NAMES = ["domain", "suite", "task", "algorithm", "sharing", "metric"]
INTEGERS = {"seed": 0, "step": 0, "episodes": 1}  # column -> smallest value
FLOATS = ["score", "normalized_score"]
METRIC_NAMES = ("return", "success", "success_at_end")
NO_SHARING_NAMED = "-"  # the sharing of a baseline that has no scores


def read_scores(path: Path | str) -> pd.DataFrame:
    """Reads and checks scores. A BenchError names the file, column, row and what was expected."""
    return validate(read_csv(path), str(path))


def validate(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """A copy of the frame with the schema's columns in order and with its types.

    Raises BenchError for missing or unexpected columns, empty names, values that are not finite
    numbers, integers out of range, unknown suites, tasks, domains or metrics, and duplicate keys.
    Row 1 is below the header.
    """
    check_columns(frame, SCORES, origin)
    frame = frame[SCORES].reset_index(drop=True)
    for column in NAMES:
        refuse(frame, column, frame[column].isna(), "a name", origin)
        frame[column] = frame[column].astype(str)
    for column, low in INTEGERS.items():
        frame[column] = integers(frame, column, low, origin)
    for column in FLOATS:
        frame[column] = numbers(frame, column, origin)
    _check_names(frame, origin)
    repeated = frame.duplicated(KEY)
    if repeated.any():
        row = int(np.argmax(repeated))
        first = int(np.argmax((frame[KEY] == frame.loc[row, KEY]).all(axis=1)))
        key = ", ".join(f"{name} {frame.at[row, name]}" for name in KEY)
        raise BenchError(
            f"{origin}: rows {first + 1} and {row + 1} have the same key ({key}); expected one row "
            "per suite, task, algorithm, sharing, seed, step and metric"
        )
    return frame


def _check_names(frame: pd.DataFrame, origin: str) -> None:
    for suite, rows in frame.groupby("suite", sort=False):
        if suite not in envs.SUITES:
            _refuse_name(rows, "suite", envs.SUITES, origin)
        _refuse_name(rows, "task", envs.SUITES[suite].tasks, origin)
        _refuse_name(rows, "domain", [envs.SUITES[suite].domain], origin)
    _refuse_name(frame, "metric", METRIC_NAMES, origin)


def _refuse_name(rows: pd.DataFrame, column: str, valid: Iterable[str], origin: str) -> None:
    bad = rows[~rows[column].isin(list(valid))]
    if len(bad):
        name = bad[column].iloc[0]
        raise BenchError(
            f"{origin}: column '{column}': unknown name '{name}' at row {bad.index[0] + 1}"
            f"{nearest(name, valid)}"
        )


def own_metric(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows in the metric of their task, which the tables compare."""
    return scores[scores["metric"] == scores["task"].map(lambda task: envs.TASKS[task].metric)]


def merge(config: Config, suite: str, others: Iterable[Path | str] = ()) -> pd.DataFrame:
    """The scores of a suite's runs and of external baselines, as one checked and sorted frame.

    A configured run without scores of its last training is skipped, and tables show its cells as
    missing. `others` are checked score files of external baselines on the suite. Rows are sorted by
    task, algorithm, sharing (each in the configuration's order, with unknown names last), seed,
    step and metric.
    """
    parts = [_read_run(config, run) for run in jobs.runs(config, suite)]
    parts = [part for part in [*parts, *map(read_scores, others)] if part is not None and len(part)]
    if not parts:
        return pd.DataFrame(columns=SCORES)
    frame = validate(pd.concat(parts, ignore_index=True), str(paths.scores(config, suite)))
    order = {
        "task": envs.SUITES[suite].tasks,
        "algorithm": config.algorithms,
        "sharing": config.sharing,
    }

    def rank(column: pd.Series) -> pd.Series:
        if column.name not in order:
            return column
        known = list(order[column.name])
        names = [*known, *sorted(set(column) - set(known))]
        return column.map({name: position for position, name in enumerate(names)})

    return frame.sort_values(KEY, key=rank, ignore_index=True)


def _read_run(config: Config, run: Run) -> pd.DataFrame | None:
    """One training job's scores, or None. Raises BenchError if they are not as expected."""
    if not evaluated(config, run):
        return None
    path, seeds = paths.run_scores(config, *run), seeds_of(run)
    origin = paths.run_evaluation(config, *run)
    seals.check(path, "scores", seals.read_record(origin, seals.Evaluation).sha256, origin)
    frame = read_scores(path)
    for column, name in zip(("suite", "algorithm", "sharing"), run, strict=False):
        refuse(
            frame, column, frame[column] != name, f"'{name}', as the file's path says", str(path)
        )
    bad = ~frame["seed"].isin(seeds)
    expected = f"in {seeds[0]} to {seeds[-1]}, as the file's name says"
    refuse(frame, "seed", bad, expected, str(path))
    finished = seals.read_run(paths.run(config, *run)).finished
    check_scores(config, run[0], frame, finished, str(path))
    return frame


def check_baseline(config: Config, name: str, suite: str) -> pd.DataFrame:
    """An external baseline's scores on a suite, checked like our own (`validate`).

    Also raises BenchError if there are no rows, if the algorithm is not the baseline's name, if
    rows are of another suite, if a seed is not configured, or if rows are missing or do not follow
    the protocol (`expected.check_scores`).
    """
    path = str(paths.baseline_scores(config, name, suite))
    frame = read_scores(path)
    if frame.empty:
        raise BenchError(f"{path}: the file has no rows; expected scores of {suite}")
    bad = frame["algorithm"] != name
    refuse(frame, "algorithm", bad, f"'{name}', the baseline's name", path)
    refuse(frame, "suite", frame["suite"] != suite, f"'{suite}'", path)
    bad = ~frame["seed"].between(0, config.seeds - 1)
    refuse(frame, "seed", bad, f"configured (0 to {config.seeds - 1})", path)
    methods = list(frame.groupby("sharing", sort=False))
    for sharing, rows in methods:
        origin = path if len(methods) == 1 else f"{path}: sharing '{sharing}'"
        check_scores(config, suite, rows, range(config.seeds), origin, exactly=False)
    return frame


def write_checked(config: Config, name: str, suite: str) -> None:
    """Checks an external baseline's scores and writes the copy that `checked_baselines` finds."""
    checked = check_baseline(config, name, suite)
    files.write_csv(paths.baseline_checked(config, name, suite), checked)


def checked_baselines(config: Config, suite: str) -> list[Path]:
    """The checked scores of a suite's external baselines that have not changed since the check."""
    return [
        paths.baseline_checked(config, name, suite)
        for name in config.baselines
        if _holds(config, name, suite)
    ]


def _holds(config: Config, name: str, suite: str) -> bool:
    """Whether a baseline's checked scores still equal the result of checking its scores."""
    path = paths.baseline_checked(config, name, suite)
    try:
        expected = files.csv_text(check_baseline(config, name, suite))
        return path.is_file() and path.read_bytes() == expected.encode()
    except BenchError:
        return False


def write_scores(config: Config, suite: str) -> None:
    """Writes scores/<suite>.csv, and failures/<suite>.csv with what is missing and why."""
    scores = merge(config, suite, checked_baselines(config, suite))
    files.write_csv(paths.scores(config, suite), scores)
    files.write_csv(paths.failures(config, suite), lacking(config, suite))


def lacking(config: Config, suite: str) -> pd.DataFrame:
    """The missing scores of a suite and the reasons: our runs (`gaps`) and external baselines."""
    return pd.concat([gaps(config, suite), _baseline_gaps(config, suite)], ignore_index=True)


def _baseline_gaps(config: Config, suite: str) -> pd.DataFrame:
    """Like `gaps`, with a row per seed of every external baseline without checked scores."""
    rows, checked = [], checked_baselines(config, suite)
    for name in config.baselines:
        if paths.baseline_checked(config, name, suite) not in checked:
            reason = _problem(config, name, suite)
            key = ([suite], [name], [NO_SHARING_NAMED], range(config.seeds))
            rows += product(*key, [FAILED], [0], [reason])
    return pd.DataFrame(rows, columns=FAILURES)


def _problem(config: Config, name: str, suite: str) -> str:
    """Why an external baseline has no checked scores of a suite."""
    if not (path := paths.baseline_scores(config, name, suite)).exists():
        return f"the rules of {name} did not write {path}"
    try:
        check_baseline(config, name, suite)
    except BenchError as error:
        return str(error)
    return "not checked"


def read_failures(config: Config, suite: str) -> pd.DataFrame:
    """failures/<suite>.csv, checked."""
    path = paths.failures(config, suite)
    frame = read_csv(path)
    check_columns(frame, FAILURES, str(path))
    for column in ("seed", "step"):
        frame[column] = integers(frame, column, 0, str(path))
    one_of(frame, "state", (FAILED, RUNNING, MISSING), str(path))
    return frame
