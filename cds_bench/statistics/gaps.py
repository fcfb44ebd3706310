"""The missing scores and the reasons, read from the files of training and evaluation."""

from pathlib import Path

import pandas as pd

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.status.runs import COMPLETE, look_at
from cds_bench.storage import paths, seals
from cds_bench.storage.columns import FAILURES

FAILED, RUNNING, MISSING = "failed", "running", "missing"
Run = tuple[str, str, str, str]  # suite, algorithm, sharing, "<first>-<last>" seed


def seeds_of(run: Run) -> range:
    first, last = map(int, run[3].split("-"))
    return range(first, last + 1)


def evaluated(config: Config, run: Run) -> bool:
    """Whether a run has scores, and they are those of its present policies.

    A run that is being trained again has no run.json until it is complete. Until it is evaluated
    again, its policies differ from those that its scores belong to.
    """
    try:
        made = seals.read_record(paths.run_evaluation(config, *run), seals.Evaluation)
        trained = seals.read_run(paths.run(config, *run)).sha256.get(seals.POLICIES)
    except BenchError:
        return False
    return made.policies == trained and paths.run_scores(config, *run).exists()


def gaps(config: Config, suite: str) -> pd.DataFrame:
    """A row for each seed of a suite that lacks scores, with its state and the reason.

    `failed`: its losses were not finite at `step`, or its job ended with an error. `running`: it is
    being trained. `missing`: its job has not started, or was stopped.
    """
    rows = []
    for run in jobs.runs(config, suite):
        diverged = {failure.seed: failure for failure in _diverged(config, run)}
        gap = None if evaluated(config, run) else _gap(config, run)
        for seed in seeds_of(run):
            if seed in diverged:
                failure = diverged[seed]
                rows.append((*run[:3], seed, FAILED, failure.step, failure.reason))
            elif gap:
                rows.append((*run[:3], seed, *gap))
    return pd.DataFrame(rows, columns=FAILURES)


def _diverged(config: Config, run: Run) -> list[seals.Failure]:
    try:
        return seals.read_run(paths.run(config, *run)).failures
    except BenchError:
        return []  # `_gap` reports it


def _gap(config: Config, run: Run) -> tuple[str, int, str]:
    """State, step and reason of a run without scores."""
    found = look_at(config, *run)
    step = int(found.step or 0)
    reached = f"step {step} of {int(found.steps or 0)}"
    if found.state == "unreadable":
        return FAILED, step, found.note
    if found.state in COMPLETE:
        try:
            seals.read_run(paths.run(config, *run))
        except BenchError as problem:
            return FAILED, step, str(problem)
        error = _error(Path(jobs.log(config, "evaluate", *run)))
        return (FAILED, step, f"evaluation: {error}") if error else (MISSING, step, "not evaluated")
    if found.state == "running":
        return RUNNING, step, f"in training, {reached}"
    error = _error(Path(jobs.log(config, "train", *run)))
    if error:
        return FAILED, step, f"training: {error}"
    return MISSING, step, f"training stopped at {reached}" if step else "not trained"


def _error(log: Path) -> str:
    """The last line of a log if it reports an error, else ""."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last if last.startswith("error: ") or "Error" in last.partition(":")[0] else ""
