"""Where a profile's runs are, read from its results folder: nothing is written, nothing waits."""

import fcntl
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_bench import paths, workflow
from cds_bench.config import Config

STATES = ("done", "running", "stopped", "failed", "missing", "unreadable")
COMPLETE = ("done", "failed")
SILENT = 60.0  # seconds without news after which a running job's silence is shown
SECONDS_BETWEEN_LOOKS = 5.0
CLEAR = "\x1b[2J\x1b[H"


@dataclass(frozen=True)
class Run:
    """One training job as its files tell; what they do not tell is None.

    state: one of STATES. `stopped` goes on from its checkpoint; a `failed` run is complete, but at
    least one of its seeds diverged; what is `unreadable`, or failed, is said in the note.
    """

    suite: str
    method: str
    seeds: str
    state: str
    step: float | None = None
    steps: float | None = None
    rate: float | None = None  # steps/s
    note: str = ""
    evaluated: bool = False

    @property
    def eta(self) -> float | None:
        """Seconds that a running job has left at its rate."""
        if self.state != "running" or None in (self.step, self.steps) or not self.rate:
            return None
        return max(self.steps - self.step, 0.0) / self.rate


def status(config: Config) -> str:
    """A table per suite and a summary, as text."""
    return _text(config, look(config))


def watch(config: Config, seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
    """Shows the status again and again, until every run is complete and evaluated or Ctrl-C.

    Not on a terminal it is shown once.
    """
    try:
        while True:
            runs = look(config)
            terminal = sys.stdout.isatty()
            print(f"{CLEAR if terminal else ''}{_text(config, runs)}", flush=True)
            if not terminal or all(run.state in COMPLETE and run.evaluated for run in runs):
                return
            time.sleep(seconds)
    except KeyboardInterrupt:
        return


def look(config: Config) -> list[Run]:
    """Every training job of a profile."""
    return [look_at(config, *key) for key in workflow.runs(config)]


def look_at(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Run:
    """One training job."""
    key = (suite, algorithm, sharing, seeds)
    folder = paths.run(config, *key)
    steps = config.of(suite).training.steps
    finished, problem = read(folder / "run.json")
    if problem:
        found = {"state": "unreadable", "note": problem}
    elif finished is not None:
        found = _complete(finished, steps)
    else:
        found = _unfinished(folder)
    evaluated = paths.run_scores(config, *key).exists()
    method = f"{algorithm} x {sharing}"
    return Run(suite, method, seeds, **({"steps": steps} | found), evaluated=evaluated)


def _complete(finished: dict, steps: int) -> dict[str, Any]:
    """What run.json tells."""
    failures = finished.get("failures") or []
    rate = number(finished.get("steps_per_second"))
    if not isinstance(failures, list):
        return {"state": "unreadable", "note": "run.json: 'failures' is no list"}
    if not failures:
        return {"state": "done", "step": steps, "rate": rate}
    return {"state": "failed", "rate": rate, "note": "; ".join(map(_failure, failures))}


def _failure(failure: Any) -> str:
    if not isinstance(failure, dict):
        return "a seed"
    seed, step, term = (failure.get(key, "?") for key in ("seed", "step", "term"))
    return f"seed {seed} at step {step}: {term}"


def _unfinished(folder: Path) -> dict[str, Any]:
    """What the progress file and the claim of a run without run.json tell."""
    progress, problem = read(folder / ".progress.json")
    held = claimed(folder)
    if progress is None and not problem:
        return {"state": "running" if held else "missing"}
    progress = progress or {}
    found = {
        name: value
        for name, key in (("step", "step"), ("steps", "steps"), ("rate", "steps_per_second"))
        if (value := number(progress.get(key))) is not None
    }
    silent = time.time() - (number(progress.get("updated")) or time.time())
    if held and silent > SILENT:
        problem = f"silent for {clock(silent)}"
    return found | {"state": "running" if held else "stopped", "note": problem}


def read(path: Path) -> tuple[dict | None, str]:
    """A JSON object, None where there is none, and in words what is wrong with the file."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, f"{path.name}: not readable ({error.strerror})"
    except (ValueError, RecursionError):
        return None, f"{path.name}: not valid JSON"
    return (value, "") if isinstance(value, dict) else (None, f"{path.name}: no JSON object")


def number(value: Any) -> float | None:
    """The value where it is a finite number."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if plain and abs(value) < float("inf") else None


def claimed(folder: Path) -> bool:
    """Whether another process holds the claim on a folder; see `claims`.

    A shared lock is asked for and dropped at once. It would be in the way of a process that claims
    the folder in the same microseconds, so finished runs are never asked.
    """
    try:
        with open(folder / ".claim") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def clock(seconds: float | None) -> str:
    """Seconds as h:mm:ss, however many hours; '-' for None."""
    if seconds is None:
        return "-"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def aligned(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], left: tuple[int, ...]) -> str:
    """A plain-text table; the columns of `left` are aligned to the left, the others to the right.

    A row of one cell stands as it is, over the rows that it is the title of.
    """
    rows = [header, *rows]
    columns = zip(*(row for row in rows if len(row) > 1), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [
        row[0]
        if len(row) == 1
        else "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _text(config: Config, runs: list[Run]) -> str:
    tables = [_table(suite, [run for run in runs if run.suite == suite]) for suite in config.suites]
    return "\n\n".join([*tables, _summary(config, runs)])


def _table(suite: str, runs: list[Run]) -> str:
    header = ("  method", "seeds", "state", "step", "steps/s", "ETA", "evaluated", "")
    rows = [
        (
            f"  {run.method}",
            run.seeds,
            run.state,
            f"{_whole(run.step)}/{_whole(run.steps)}",
            "-" if run.rate is None else f"{run.rate:,.1f}",
            clock(run.eta),
            "yes" if run.evaluated else "no",
            run.note,
        )
        for run in runs
    ]
    return f"{suite}\n{aligned(header, rows, left=(0, 1, 2, 7))}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _summary(config: Config, runs: list[Run]) -> str:
    """Jobs by state, the time that the running ones have left, and the data that exist."""
    counts = Counter(run.state for run in runs)
    jobs = ", ".join(f"{counts[s]} {s}" for s in STATES if s != "unreadable" or counts[s])
    etas = [run.eta for run in runs if run.eta is not None]
    left = f"; what is running is done in {clock(max(etas))}" if etas else ""
    datasets = [paths.dataset(config, suite, t) for suite in config.suites
                for t in workflow.suite_tasks(suite)]  # fmt: skip
    pools = [paths.pool(config, suite) for suite in config.suites]
    evaluated = sum(run.evaluated for run in runs)
    workflow_runs = "a workflow is" if claimed(config.folder) else "no workflow is"
    return (
        f"{config.folder}: {workflow_runs} running on it\n"
        f"datasets {_exist(datasets)}, pools {_exist(pools)}, "
        f"evaluated {evaluated} of {len(runs)} jobs\n"
        f"jobs: {jobs}{left}"
    )


def _exist(files: list[Path]) -> str:
    return f"{sum(file.exists() for file in files)} of {len(files)}"
