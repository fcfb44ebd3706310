"""`python -m benchmarks`: measures the speed on this machine and writes a report with ratios.

This takes about ten minutes on two cores. `--quick` makes everything tiny, to see that it works.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import comparisons, machine, race, report, scaling
from benchmarks.contender import ROOT, ContenderError
from benchmarks.peer_d3rlpy import environment
from benchmarks.synthetic import transitions
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.training.device import resolve_device


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes and short slices")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="a folder")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
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


def profile(spec: dict, steps: int) -> dict[str, float]:
    """Shares of the operators, measured in a separate process, on a CPU with one thread."""
    threads = 1 if spec["device"] == "cpu" else spec["threads"]
    text = json.dumps(spec | {"threads": threads, "steps": steps})
    command = [sys.executable, "-m", "benchmarks.profiling", text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise ContenderError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = arguments()
    device, threads, quick = resolve_device(options.device), options.threads, options.quick
    rounds, seconds = (2, 0.1) if quick else (9, 2.0)
    reason = peer(device, quick)
    with tempfile.TemporaryDirectory() as folder:
        data = None if reason else Path(folder) / "transitions.npz"
        if data:
            sizes = comparisons.PAPER | (comparisons.QUICK if quick else {})
            keys = ("rows", "observation", "action", "tasks")
            np.savez(data, **transitions(*(sizes[key] for key in keys)))
        groups, left_out = comparisons.groups(device, threads, quick, data), {}
        results = report.Results(
            device, quick, rounds, seconds, machine.describe(device, threads), left_out
        )
        if reason:
            left_out["d3rlpy"] = reason
        measure(results, groups, threads)
    place = options.out / device
    report.write(results, place)
    print(f"{place / 'report.md'}", file=sys.stderr)


def measure(results: report.Results, groups: list[comparisons.Group], threads: int) -> None:
    """Fills the results. A part that fails is left out, and the reason is recorded."""
    device, quick, rounds, seconds = results.device, results.quick, results.rounds, results.seconds
    profiled = {
        f"{label}: {group.title}": entry.spec
        for group in (groups[:1] if quick else groups)
        for label, entry in group.contenders.items()
        if entry.module == "benchmarks.engine"
    }
    total = sum(race.units(group, rounds) for group in groups)
    total += len(profiled) + scaling.units(device, quick)
    with Progress("benchmarks", total) as progress:

        def passed(units: int, what: str) -> None:
            progress.update(progress.done + units, what)

        for group in groups:
            outcome = race.run(group, rounds, seconds, passed)
            results.left_out.update(outcome.failures)
            results.groups.append(report.Measured(group, outcome))
        for label, spec in profiled.items():
            with left_out_if_it_fails(results, f"profile of {label}"):
                results.profiles[label] = profile(spec, 3 if quick else 20)
            passed(1, f"profile of {label}")
        with left_out_if_it_fails(results, "scaling"):
            results.points.extend(scaling.measure(device, threads, quick, seconds, passed))


@contextlib.contextmanager
def left_out_if_it_fails(results: report.Results, what: str):
    try:
        yield
    except ContenderError as error:
        results.left_out[what] = str(error)


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
