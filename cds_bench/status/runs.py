"""The state of training jobs, read from their folders without writing or waiting."""

import fcntl
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.status.layout import clock
from cds_bench.storage import paths

STATES = ("done", "running", "stopped", "failed", "missing", "unreadable")
COMPLETE = ("done", "failed")
SILENT = 60.0  # a running job is shown as silent after this many seconds without news


@dataclass(frozen=True)
class Run:
    """One training job as its files describe it. Values that they do not contain are None.

    state: one of STATES. A `stopped` run continues from its checkpoint. A `failed` run is complete,
        but at least one of its seeds diverged.
    note: what failed or cannot be read.
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
        """The seconds that a running job still needs at its current rate."""
        if self.state != "running" or None in (self.step, self.steps) or not self.rate:
            return None
        return max(self.steps - self.step, 0.0) / self.rate


def look(config: Config) -> list[Run]:
    """Every training job of a profile."""
    return [look_at(config, *key) for key in jobs.runs(config)]


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
    evaluated = finished is not None and _evaluated(config, key, finished)
    method = f"{algorithm} x {sharing}"
    return Run(suite, method, seeds, **({"steps": steps} | found), evaluated=evaluated)


def _evaluated(config: Config, key: tuple, finished: dict) -> bool:
    """Whether there are scores of the run's present policies, as in `statistics.gaps.evaluated`."""
    record, _ = read(paths.run_evaluation(config, *key))
    hashes, policies = finished.get("sha256"), Path(jobs.run_files(config, *key)["policies"]).name
    trained = hashes.get(policies) if isinstance(hashes, dict) else None
    made = paths.run_scores(config, *key).exists()
    return made and trained is not None and record is not None and record.get("policies") == trained


def _complete(finished: dict, steps: int) -> dict[str, Any]:
    """The state of a run that has a run.json."""
    failures = finished.get("failures") or []
    rate = number(finished.get("steps_per_second"))
    if not isinstance(failures, list):
        return {"state": "unreadable", "note": "run.json: 'failures' is not a list"}
    if not failures:
        return {"state": "done", "step": steps, "rate": rate}
    return {"state": "failed", "rate": rate, "note": "; ".join(map(_failure, failures))}


def _failure(failure: Any) -> str:
    if not isinstance(failure, dict):
        return "a seed"
    seed, step, term = (failure.get(key, "?") for key in ("seed", "step", "term"))
    return f"seed {seed} at step {step}: {term}"


def _unfinished(folder: Path) -> dict[str, Any]:
    """The state of a run without run.json, from its progress file and its claim."""
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
    """A JSON object, or None if there is none, and what is wrong with the file, in words."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, f"{path.name}: not readable ({error.strerror})"
    except (ValueError, RecursionError):
        return None, f"{path.name}: not valid JSON"
    return (value, "") if isinstance(value, dict) else (None, f"{path.name}: not a JSON object")


def number(value: Any) -> float | None:
    """The value if it is a finite number, else None."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if plain and abs(value) < float("inf") else None


def claimed(folder: Path) -> bool:
    """Whether another process holds the claim on a folder; see `storage.locks`.

    This takes a shared lock and releases it at once. The lock would stop a process that claims the
    folder in the same microseconds, so the claims of finished runs are never tested.
    """
    try:
        with open(folder / ".claim", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
