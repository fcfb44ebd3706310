"""Distribution shift: how far policies moved from their data, and what their critics expect."""

from collections.abc import Iterable
from itertools import product

import pandas as pd

import envs
from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.statistics import over_seeds
from cds_bench.statistics.gaps import Run, evaluated
from cds_bench.statistics.headline import headline
from cds_bench.statistics.over_seeds import with_average
from cds_bench.statistics.reading import check_columns, integers, numbers, read_csv, refuse
from cds_bench.storage import files, paths, seals
from cds_bench.storage.columns import CELL, MOVED, RUN, SHIFT, VALUES

FILE = "shift.csv"  # of a run
KL, OVERESTIMATION, SCORE = "kl", "overestimation", "normalized_score"
MEASURES = (KL, OVERESTIMATION, SCORE)


def merge(config: Config, suite: str) -> pd.DataFrame:
    """The shift of a suite's configured runs so far. It has the columns SHIFT.

    There is a row per seed and task. overestimation = q_initial - discounted_return, which is
    Q(s_0, pi(s_0)) minus the discounted return in evaluation, in the algorithm's units of reward.
    It should be negative for a conservative critic.
    """
    parts = []
    for run in jobs.runs(config, suite):
        places = paths.run(config, *run) / FILE, paths.run_values(config, *run)
        if evaluated(config, run) and all(path.exists() for path in places):
            found = _read_values(config, run), _read_moved(config, run)
            parts.append(found[0].merge(found[1], on=["seed", "task"]))
    if not parts:
        return pd.DataFrame(columns=SHIFT)
    frame = pd.concat(parts, ignore_index=True)
    frame[OVERESTIMATION] = frame["q_initial"] - frame["discounted_return"]
    return frame[SHIFT]


def _read_moved(config: Config, run: Run) -> pd.DataFrame:
    """A run's checked shift.csv. Seeds that failed have no rows, and unknown values are NaN."""
    folder = paths.run(config, *run)
    path, record = folder / FILE, seals.read_run(folder)
    frame = read_csv(path)
    seals.check(path, FILE, record.sha256, folder / "run.json")
    check_columns(frame, MOVED, str(path))
    for column in ("kl", "log_likelihood"):
        frame[column] = numbers(frame, column, str(path), gaps=True)
    return _each_once(frame, run[0], record.finished, str(path))


def _read_values(config: Config, run: Run) -> pd.DataFrame:
    """A run's checked table of what its critics expect. Seeds that failed have no rows."""
    path, origin = paths.run_values(config, *run), paths.run_evaluation(config, *run)
    frame = read_csv(path)
    seals.check(path, "values", seals.read_record(origin, seals.Evaluation).sha256, origin)
    check_columns(frame, VALUES, str(path))
    for column, name in zip(RUN, run[:3], strict=False):
        refuse(frame, column, frame[column] != name, f"'{name}'", str(path))
    for column in ("q_initial", "discounted_return"):
        frame[column] = numbers(frame, column, str(path))
    return _each_once(frame, run[0], seals.read_run(paths.run(config, *run)).finished, str(path))


def _each_once(frame: pd.DataFrame, suite: str, seeds: list[int], origin: str) -> pd.DataFrame:
    """Returns the frame. Raises BenchError unless it has one row for each seed and task."""
    frame["seed"] = integers(frame, "seed", 0, origin)
    tasks = envs.SUITES[suite].tasks
    found = sorted(frame[["seed", "task"]].astype({"task": str}).itertuples(index=False, name=None))
    if found != sorted(product(seeds, tasks)):
        raise BenchError(
            f"{origin}: {len(found)} rows, expected one for each of the seeds "
            f"{', '.join(map(str, seeds)) or '(none)'} and the tasks {', '.join(tasks)}; delete "
            "the file to have it made again"
        )
    return frame


def write_shift(config: Config, suite: str) -> None:
    """Writes shift/<suite>.csv."""
    files.write_csv(paths.shift(config, suite), merge(config, suite))


def read_shift(config: Config, suite: str = "") -> pd.DataFrame:
    """Reads and checks shift/<suite>.csv, or shift.csv if no suite is named."""
    path = paths.shift(config, suite)
    frame = read_csv(path)
    check_columns(frame, SHIFT, str(path))
    frame["seed"] = integers(frame, "seed", 0, str(path))
    for column in SHIFT[len(CELL) :]:
        frame[column] = numbers(frame, column, str(path), gaps=True)
    return frame


def summarise(
    config: Config, shift: pd.DataFrame, scores: pd.DataFrame, suites: Iterable[str] = ()
) -> pd.DataFrame:
    """MEASURES per suite, task (and "average") and method: `over_seeds.SUMMARY` without `seeds`.

    It covers the named suites, or all configured ones. Means and Student-t intervals are over the n
    seeds. The average is over the suite's tasks, for seeds that have all of them. `scores` is a
    checked frame. A seed's score is its headline.
    """
    frame = shift.merge(headline(scores, config.protocol)[[*CELL, SCORE]], on=CELL)
    measured = []
    for suite, method in product(suites or config.suites, config.methods):
        part = frame[(frame[["suite", "algorithm", "sharing"]] == [suite, *method]).all(axis=1)]
        for measure in MEASURES:
            wide = part.pivot(index="seed", columns="task", values=measure)
            measured.append((suite, method, measure, with_average(wide, envs.SUITES[suite].tasks)))
    return over_seeds.summarise(config, measured).drop(columns="seeds")
