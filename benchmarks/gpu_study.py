"""`python -m benchmarks.gpu_study --minutes 9`: a piece of the paper's study, on one GPU.

It trains a suite of the profile `paper` with CQL, one sharing strategy after the other, with all
seeds in one stack. When the minutes are spent it saves a checkpoint and ends. The same command
continues, on this machine or on another one with the same GPU, torch and code: carry
<folder>/paper/pools/<suite>.hdf5 and <folder>/carried there and back. The result has the same bytes
as without interruptions. With `--minutes 0` it only puts carried runs and checkpoints in their
places, so that the workflow can evaluate finished runs.

It needs the package, the pool and torch, but no simulator. No file in <folder>/carried is larger
than 15 MiB.
"""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmarks import carrying
from cds_bench import jobs
from cds_bench.config import Config, load
from cds_bench.dataset.pool import pool_sha256
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.training import checkpoint
from cds_bench.training.device import hardware, resolve_device
from cds_bench.training.identity import exact_identity, identity
from cds_bench.training.run import make_job, run

PAPER = "workflow/config/paper.yaml"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_study", description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="time for training")
    parser.add_argument("--folder", default="results", help="the pool's and the runs' folder")
    parser.add_argument("--config", default=PAPER, help="a profile")
    parser.add_argument("--suite", default="walker2d-mixed")
    parser.add_argument("--algorithm", default="cql")
    parser.add_argument("--seeds", type=int, help="seeds in the stack; default: the profile's")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser.parse_args()


def settings(options: argparse.Namespace) -> Config:
    """The profile for one suite, with all seeds in one stack."""
    config = load(options.config)
    for kind, name in (("suites", options.suite), ("algorithms", options.algorithm)):
        if name not in getattr(config, kind):
            raise BenchError(f"--{kind.rstrip('s')}: '{name}' is not in {options.config}")
    config, seeds = config.of(options.suite), options.seeds or config.seeds
    training = config.training.model_dump() | {"device": resolve_device(options.device)}
    changes = {"results": options.folder, "seeds": seeds, "seeds_per_job": seeds}
    return Config.model_validate(config.model_dump() | changes | {"training": training})


class Strategy:
    """The training of one strategy: its places on disk, and how far it is."""

    def __init__(self, config: Config, suite: str, algorithm: str, sharing: str):
        self.config, self.sharing = config, sharing
        self.key = (suite, algorithm, sharing, f"0-{config.seeds - 1}")
        self.run = paths.run(config, *self.key)
        self.checkpoints = paths.checkpoints(config, *self.key)
        self.carried = config.folder.parent / "carried" / sharing

    def restore(self) -> None:
        """Puts what was carried in its place, unless this machine is as far already."""
        reached = carrying.manifest_of(self.carried)
        if not reached or (self.run / "run.json").exists():
            return
        if reached["finished"]:
            carrying.place_run(self.carried, self.run)
        elif reached["step"] > self.saved_step():
            checkpoint.save(self.checkpoints, *carrying.read_checkpoint(self.carried))

    def finished(self) -> bool:
        carried = carrying.manifest_of(self.carried).get("finished", False)
        return carried or (self.run / "run.json").exists()

    def saved_step(self) -> int:
        """The step of the newest checkpoint on this machine; 0 if there is none."""
        return max((int(path.stem) for path in self.checkpoints.glob("[0-9]*.pt")), default=0)

    def mark(self) -> dict[str, Any]:
        """What the checkpoints of this training are fingerprinted with."""
        suite, *names, _ = self.key
        pool = pool_sha256(paths.pool(self.config, suite))
        job = make_job(self.config, *self.key, jobs.suite_tasks(suite))
        ours = identity(self.config, suite, *names, pool)
        return exact_identity(ours, job, self.config.training.threads)

    def carry(self, before: tuple[int, float]) -> str:
        """Writes the carried files and returns a line for the reader."""
        training = self.config.training
        notes = {
            "seeds": self.config.seeds,
            "steps": training.steps,
            "device": hardware(training.device),
        }
        if (self.run / "run.json").exists():
            step, seconds, _ = pd.read_csv(self.run / "timing.csv").iloc[-1]
            step = int(step)  # fewer than configured if every seed has failed
            carrying.write_run(self.carried, self.run, {**notes, "step": step})
        elif content := checkpoint.load(self.checkpoints, mark := self.mark()):
            step, seconds = content["step"], content["seconds"]
            carrying.write_checkpoint(self.carried, mark, content, notes)
        else:
            step, seconds = 0, 0.0
        rate = (step - before[0]) / max(seconds - before[1], 1e-9)
        return (
            f"{self.sharing}: step {step:,} of {training.steps:,}; this piece made "
            f"{step - before[0]:,} steps at {rate:.4g} steps/s, "
            f"{rate * self.config.seeds:.4g} seed-steps/s ({hardware(training.device)})"
        )

    def begun(self) -> tuple[int, float]:
        """The step from which training continues, and the seconds that it has taken."""
        content = checkpoint.load(self.checkpoints, self.mark()) or {"step": 0, "seconds": 0.0}
        return content["step"], content["seconds"]

    def train(self, until: float) -> bool:
        """Trains until a time of `time.monotonic`. Returns whether the time was spent."""
        before, spent = self.begun(), False
        try:
            with stopping_at(until):
                run(self.config, *self.key)
        except SystemExit:
            spent = True
        print(self.carry(before), flush=True)
        return spent


@contextlib.contextmanager
def stopping_at(until: float) -> Iterator[None]:
    """Sends this process SIGTERM when the time has come. Training then saves itself and ends."""
    handlers = {
        signal.SIGALRM: lambda *_: signal.raise_signal(signal.SIGTERM),
        signal.SIGTERM: lambda number, _: sys.exit(128 + number),  # until training has its own
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    until, options = time.monotonic(), arguments()
    until += 60.0 * options.minutes
    config = settings(options)
    names = config.strategies(options.algorithm)
    strategies = [Strategy(config, options.suite, options.algorithm, name) for name in names]
    for strategy in strategies:
        strategy.restore()
    for strategy in strategies:
        if strategy.finished():
            print(f"{strategy.sharing}: finished")
        elif time.monotonic() >= until or strategy.train(until):
            print("The minutes are spent; the same command continues.")
            return
    print("Every strategy is trained.")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
