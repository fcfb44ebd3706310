"""`python -m benchmarks`: measures the speed on this machine and writes a report with ratios.

This takes about ten minutes on two cores. `--quick` makes everything tiny, to see that it works.
On a GPU, no part begins after six minutes, so that everything ends within eight.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import comparisons, machine, race, report, scaling
from benchmarks.contender import ROOT, ContenderError
from benchmarks.peer_d3rlpy import environment
from benchmarks.synthetic import transitions
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.training.device import resolve_device

GPU_MINUTES = 6.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes and short slices")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="a folder")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--minutes", type=float, help="no part begins after this time")
    return parser.parse_args()


def peer(device: str, quick: bool) -> str:
    """Makes the peer's environment if it is missing. Returns why the peer cannot run, or ''."""
    if device != "cpu":
        return "its environment has torch for CPUs only"
    if environment.complete():
        return ""
    if quick:
        return "its environment is not installed, and a quick run installs nothing"
    print(f"making {environment.VENV}, once: some minutes", file=sys.stderr, flush=True)
    try:
        environment.install()
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return f"its environment could not be made: {lines[-1]}"
    return ""


def profile(entry: comparisons.Entry, steps: int) -> dict[str, Any]:
    """What `profiling.measure` finds, in a separate process, on a CPU with one thread."""
    threads = 1 if entry.spec["device"] == "cpu" else entry.spec["threads"]
    text = json.dumps(entry.spec | {"threads": threads, "steps": steps})
    command = [sys.executable, "-m", "benchmarks.profiling", entry.module, text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise ContenderError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = arguments()
    device, threads, quick = resolve_device(options.device), options.threads, options.quick
    rounds, seconds = slices(device, quick)
    default = math.inf if device == "cpu" else GPU_MINUTES
    until = time.monotonic() + 60.0 * (options.minutes or default)
    reason = peer(device, quick)
    with tempfile.TemporaryDirectory() as folder:
        data = None if reason else Path(folder) / "transitions.npz"
        if data:
            sizes = comparisons.PAPER | (comparisons.QUICK if quick else {})
            keys = ("rows", "observation", "action", "tasks")
            np.savez(data, **transitions(*(sizes[key] for key in keys)))
        groups = comparisons.groups(device, threads, quick, data)
        left_out = dict(comparisons.GPU_ONLY) if device == "cpu" else {}
        results = report.Results(
            device, quick, rounds, seconds, machine.describe(device, threads), left_out
        )
        if reason:
            left_out["d3rlpy"] = reason
        place = options.out / device
        measure(results, groups, threads, until, place)
    print(f"{place / 'report.md'}", file=sys.stderr)


def slices(device: str, quick: bool) -> tuple[int, float]:
    """The number of slices of each contender, and their seconds."""
    if quick:
        return 2, 0.1
    return (9, 2.0) if device == "cpu" else (5, 1.0)


def measure(
    results: report.Results,
    groups: list[comparisons.Group],
    threads: int,
    until: float,
    place: Path,
) -> None:
    """Fills the results and writes the report after every part, so that a killed run has one.

    A part that fails, or that would begin later than `until`, is left out with the reason.
    """
    device, quick, rounds, seconds = results.device, results.quick, results.rounds, results.seconds
    profiled = {
        f"{label}: {group.title}": group.contenders[label]
        for group in (groups[:1] if quick else groups)
        for label in group.profiled
    }
    total = sum(race.units(group, rounds) for group in groups)
    total += len(profiled) + scaling.units(device, quick)
    with Progress("benchmarks", total) as progress:

        def passed(units: int, what: str) -> None:
            progress.update(progress.done + units, what)

        def part(what: str, work: Callable[[], None]) -> None:
            try:
                if time.monotonic() >= until:
                    raise ContenderError("no time was left")
                work()
            except ContenderError as error:
                results.left_out[what] = str(error)
            report.write(results, place)

        def compare(group: comparisons.Group) -> None:
            outcome = race.run(group, rounds, seconds, passed)
            results.left_out.update(outcome.failures)
            results.groups.append(report.Measured(group, outcome))

        def explain(label: str) -> None:
            results.profiles[label] = profile(profiled[label], 3 if quick else 20)
            passed(1, f"profile of {label}")

        def scale() -> None:
            results.points.extend(scaling.measure(device, threads, quick, seconds, passed))

        for group in groups:
            part(group.title, partial(compare, group))
        for label in profiled:
            part(f"profile of {label}", partial(explain, label))
        part("scaling", scale)


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
