"""`python -m benchmarks.gpu_study --minutes 9`: a piece of the paper's study, on one GPU.

It trains a suite of the profile `paper` with CQL, one sharing strategy after the other, with all
seeds in one stack. When the minutes are spent, it saves a checkpoint and ends. The same command
continues, on this machine or on another one with the same GPU, torch and code. Carry
<folder>/paper/pools/<suite>.hdf5 and <folder>/carried there. Only <folder>/carried comes back. No
file in it is larger than 15 MiB. The policies have the same bytes as without interruptions.

To continue, a machine needs every manifest.json and the parts of the state (state.*), but no
snapshots (snapshots-*), which are the larger part. Once all of them are in one place, `--minutes 0`
puts finished runs where the workflow evaluates them.

It needs the package, the pool and torch, but no simulator.
"""

import argparse
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import torch

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
    parser.add_argument("--tf32", action="store_true", help="matrix products in TF32, on a GPU")
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

    def __init__(self, config: Config, suite: str, algorithm: str, sharing: str, tf32: bool):
        self.config, self.sharing = config, sharing
        self.key = (suite, algorithm, sharing, f"0-{config.seeds - 1}")
        self.run = paths.run(config, *self.key)
        self.checkpoints = paths.checkpoints(config, *self.key)
        self.carried = config.folder.parent / "carried" / sharing
        pool = pool_sha256(paths.pool(config, suite))
        self.identity = identity(config, suite, algorithm, sharing, pool)
        self.notes = {
            **{"identity": self.identity, "seeds": config.seeds, "tf32": tf32},
            "device": hardware(config.training.device),
        }

    def restore(self) -> str:
        """Puts what was carried in its place, unless this machine is as far already.

        Returns a line for the reader if training has finished, else "". Raises BenchError if other
        training was carried.
        """
        reached = carrying.manifest_of(self.carried)
        if reached:
            self.refuse_other(reached["notes"])
            carrying.tidy(self.carried)
        if (self.run / "run.json").exists():
            return f"{self.sharing}: finished"
        if reached.get("finished"):
            if not (missing := carrying.place_run(self.carried, self.run)):
                return f"{self.sharing}: finished"
            lacking = f"{len(missing)} of its files are not here, such as {missing[0]}"
            return f"{self.sharing}: finished ({lacking})"
        if reached and reached["notes"]["step"] > self.saved_step():
            checkpoint.save(self.checkpoints, *carrying.read_checkpoint(self.carried))
        return ""

    def refuse_other(self, notes: dict[str, Any]) -> None:
        differing = checkpoint.differences(notes["identity"], self.identity)
        differing += checkpoint.differences(notes, {k: self.notes[k] for k in ("seeds", "tf32")})
        if differing:
            raise BenchError(
                f"{self.carried}: holds training with another {', '.join(differing)}; move it away "
                "to train from the first step, or undo the change to continue it"
            )

    def saved_step(self) -> int:
        """The step of the newest checkpoint on this machine; 0 if there is none."""
        return max((int(path.stem) for path in self.checkpoints.glob("[0-9]*.pt")), default=0)

    def saved(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The mark of this training's checkpoints, and the newest of them, if there is one."""
        job = make_job(self.config, *self.key, jobs.suite_tasks(self.key[0]))
        mark = exact_identity(self.identity, job, self.config.training.threads)
        return mark, checkpoint.load(self.checkpoints, mark)

    def train(self, until: float) -> bool:
        """Trains until a time of `time.monotonic`. Returns whether training has finished."""
        before = self.saved()[1] or {"step": 0, "seconds": 0.0}
        with contextlib.suppress(SystemExit), stopping_at(until):
            run(self.config, *self.key)
        finished = (self.run / "run.json").exists()
        step, seconds = self.carry_run() if finished else self.carry_checkpoint()
        made, seeds = step - before["step"], self.config.seeds
        rate = made / max(seconds - before["seconds"], 1e-9)
        print(
            f"{self.sharing}: step {step:,} of {self.config.training.steps:,}; this piece "
            f"made {made:,} steps at {rate:.4g} steps/s, {rate * seeds:.4g} seed-steps/s "
            f"({self.notes['device']})",
            flush=True,
        )
        return finished

    def carry_run(self) -> tuple[int, float]:
        """Carries a finished run. Returns its last step, and the seconds that it took."""
        step, seconds, _ = pd.read_csv(self.run / "timing.csv").iloc[-1]
        carrying.write_run(self.carried, self.run, self.notes | {"step": int(step)})
        shutil.rmtree(self.run)  # its policies lack the snapshots that were not carried here
        carrying.place_run(self.carried, self.run)
        return int(step), seconds

    def carry_checkpoint(self) -> tuple[int, float]:
        """Carries the newest checkpoint, if there is one. Returns its step and seconds."""
        mark, content = self.saved()
        if not content:
            return 0, 0.0
        step = content["step"]
        carrying.write_checkpoint(self.carried, mark, content, self.notes | {"step": step})
        return step, content["seconds"]


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
    if options.tf32:
        torch.set_float32_matmul_precision("high")
    names = config.strategies(options.algorithm)
    strategies = [
        Strategy(config, options.suite, options.algorithm, name, options.tf32) for name in names
    ]
    finished = [strategy.restore() for strategy in strategies]
    for strategy, line in zip(strategies, finished, strict=True):
        if line:
            print(line)
        elif time.monotonic() >= until or not strategy.train(until):
            print("The minutes are spent; the same command continues.")
            return
    print("Every strategy is trained.")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
