"""The text of `cds-bench status`: a table per suite and a summary, shown once or repeatedly."""

import sys
import time
from collections import Counter
from pathlib import Path

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.status.layout import aligned, clock
from cds_bench.status.runs import COMPLETE, STATES, Run, claimed, look
from cds_bench.storage import paths

SECONDS_BETWEEN_LOOKS = 5.0
CLEAR = "\x1b[2J\x1b[H"


def text(config: Config) -> str:
    """A table per suite and a summary."""
    return _text(config, look(config))


def watch(config: Config, seconds: float = SECONDS_BETWEEN_LOOKS) -> None:
    """Shows the status repeatedly until every run is complete and evaluated, or until Ctrl-C.

    If the output is not a terminal, the status is shown once.
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
    """The number of jobs by state, the time left for the running ones, and the existing data."""
    counts = Counter(run.state for run in runs)
    states = ", ".join(f"{counts[s]} {s}" for s in STATES if s != "unreadable" or counts[s])
    etas = [run.eta for run in runs if run.eta is not None]
    left = f"; running jobs finish in {clock(max(etas))}" if etas else ""
    datasets = [paths.dataset(config, suite, t) for suite in config.suites
                for t in jobs.suite_tasks(suite)]  # fmt: skip
    pools = [paths.pool(config, suite) for suite in config.suites]
    evaluated = sum(run.evaluated for run in runs)
    workflow_runs = "a workflow is" if claimed(config.folder) else "no workflow is"
    return (
        f"{config.folder}: {workflow_runs} running on it\n"
        f"datasets {_exist(datasets)}, pools {_exist(pools)}, "
        f"evaluated {evaluated} of {len(runs)} jobs\n"
        f"jobs: {states}{left}"
    )


def _exist(files: list[Path]) -> str:
    return f"{sum(file.exists() for file in files)} of {len(files)}"
