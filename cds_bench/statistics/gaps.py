"""What the scores lack, and why: read from the files that training and evaluation leave."""

from pathlib import Path

import pandas as pd

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.status.runs import COMPLETE, look_at
from cds_bench.storage import files, paths
from cds_bench.storage.columns import FAILURES

FAILED, RUNNING, MISSING = "failed", "running", "missing"
Run = tuple[str, str, str, str]  # suite, algorithm, sharing, "<first>-<last>" seed


def seeds_of(run: Run) -> range:
    first, last = map(int, run[3].split("-"))
    return range(first, last + 1)


def evaluated(config: Config, run: Run) -> bool:
    """Whether a run's scores are there, and of its last training.

    A run that is trained again has no run.json until it is complete, and its scores are older than
    that until it is evaluated again.
    """
    finished = paths.run(config, *run) / "run.json"
    made = [paths.run_scores(config, *run), paths.run_values(config, *run)]
    if not (finished.exists() and made[0].exists()):
        return False
    return all(
        path.stat().st_mtime_ns >= finished.stat().st_mtime_ns for path in made if path.exists()
    )


def gaps(config: Config, suite: str) -> pd.DataFrame:
    """A row per seed of a suite without scores, in whole or in part: its state and the reason.

    `failed`: its losses were not finite (`step`: where), or its job ended with an error; `running`:
    it is being trained; `missing`: its job has not started, or was stopped.
    """
    rows = []
    for run in jobs.runs(config, suite):
        diverged = {row["seed"]: row for row in _diverged(config, run)}
        gap = None if evaluated(config, run) else _gap(config, run)
        for seed in seeds_of(run):
            if seed in diverged:
                failure = diverged[seed]
                rows.append((*run[:3], seed, FAILED, failure["step"], failure["reason"]))
            elif gap:
                rows.append((*run[:3], seed, *gap))
    return pd.DataFrame(rows, columns=FAILURES)


def _diverged(config: Config, run: Run) -> list[dict]:
    path = paths.run(config, *run) / "run.json"
    try:
        return files.read_json(path).get("failures") or [] if path.exists() else []
    except BenchError:
        return []  # said by `_gap`


def _gap(config: Config, run: Run) -> tuple[str, int, str]:
    """State, step and reason of a run without scores."""
    found = look_at(config, *run)
    step = int(found.step or 0)
    reached = f"step {step} of {int(found.steps or 0)}"
    if found.state == "unreadable":
        return FAILED, step, found.note
    if found.state in COMPLETE:
        error = _error(Path(jobs.log(config, "evaluate", *run)))
        return (FAILED, step, f"evaluation: {error}") if error else (MISSING, step, "not evaluated")
    if found.state == "running":
        return RUNNING, step, f"in training, {reached}"
    error = _error(Path(jobs.log(config, "train", *run)))
    if error:
        return FAILED, step, f"training: {error}"
    return MISSING, step, f"training stopped at {reached}" if step else "not trained"


def _error(log: Path) -> str:
    """The last line of a log, if it is an error's."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last if last.startswith("error: ") or "Error" in last.partition(":")[0] else ""
