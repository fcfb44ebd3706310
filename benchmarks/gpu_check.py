"""`python -m benchmarks.gpu_check`: does a GPU compute what the CPU computes?

It names device, driver and versions. Then every algorithm is trained for some steps on the CPU and
on the device, from the same parameters and with the same random numbers. Both must have moved the
parameters to the same place, up to rounding. Without a GPU the CPU is compared with itself, which
only shows that the check runs.
"""

import argparse
import copy
import dataclasses
import sys

import torch

from benchmarks import machine
from benchmarks.engine import make_job, make_pool
from cds_bench.config import plugins
from cds_bench.errors import BenchError
from cds_bench.noise import Noise
from cds_bench.training import loop
from cds_bench.training.device import resolve_device

STEPS = 20
# ||moved on the device - moved on the CPU|| / ||moved on the CPU||. Adam turns the rounding of a
# gradient near zero into a whole step, so that single parameters may differ by more.
TOLERANCE = 0.02
METHODS = (("cql", "no_sharing"), ("cql", "cds"), ("cql", "hipi"), ("brac", "cds"), ("bc", "cds"))
SPEC = {
    "rows": 4000, "observation": 17, "action": 6, "tasks": 3, "seeds": 4, "batch": 64,
    "hidden": (64, 64), "layer_norm": False, "actions": 4, "options": {}, "sharing": "no_sharing",
}  # fmt: skip


class HostNoise(Noise):
    """The CPU's random numbers, moved to a device: the streams of a GPU are others."""

    def __init__(self, noise: Noise, device: str):
        self.device, self.generators, self.place = "cpu", noise.generators, device

    def normal(self, *shape):
        return super().normal(*shape).to(self.place)

    def uniform(self, *shape, dtype=torch.float32):
        return super().uniform(*shape, dtype=dtype).to(self.place)


def job_on(device: str, algorithm: str, sharing: str) -> loop.Job:
    """A small job of a method on a device."""
    learner, strategy = plugins.load("algorithms", algorithm), plugins.load("sharing", sharing)
    return dataclasses.replace(
        make_job(SPEC | {"device": device}),
        algorithm=learner,
        algorithm_name=algorithm,
        algorithm_config=learner.Config(),
        strategy=strategy,
        strategy_config=strategy.Config(),
    )


def moved(device: str, algorithm: str, sharing: str, steps: int) -> torch.Tensor:
    """How far every parameter was moved by some steps, as one vector on the CPU, float64."""
    job = job_on(device, algorithm, sharing)
    pool = loop.device_pool(job, make_pool(SPEC))
    state = loop.start(job, pool)
    host = loop.start(job_on("cpu", algorithm, sharing), pool).noise if device != "cpu" else None
    if host:
        state.noise = {purpose: HostNoise(noise, device) for purpose, noise in host.items()}
    before = copy.deepcopy(flat(state))
    for _ in range(steps):
        loop.train_step(job, pool, state)
    return flat(state) - before


def flat(state: loop.State) -> torch.Tensor:
    tensors = loop.learner_tensors(state.learner)
    return torch.cat([tensors[name].double().flatten().cpu() for name in sorted(tensors)])


def difference(there: torch.Tensor, here: torch.Tensor) -> float:
    """||there - here|| / ||here||; infinite if anything is not finite or nothing moved."""
    if not (torch.isfinite(there).all() and torch.isfinite(here).all() and here.norm() > 0):
        return float("inf")
    return float((there - here).norm() / here.norm())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    device = resolve_device(options.device)
    for name, value in machine.describe(device, torch.get_num_threads()).items():
        print(f"{name}: {value}")
    if device == "cpu":
        print("There is no GPU here, so the CPU is compared with itself.")
    failed = []
    for algorithm, sharing in METHODS:
        found = (moved(place, algorithm, sharing, options.steps) for place in (device, "cpu"))
        apart = difference(*found)
        print(f"{algorithm} x {sharing}: after {options.steps} steps {apart:.2e} apart")
        if not apart <= TOLERANCE:
            failed.append(f"{algorithm} x {sharing}")
    if failed:
        raise BenchError(f"{', '.join(failed)}: more than {TOLERANCE} from the CPU's result")
    print(f"The device agrees with the CPU (tolerance {TOLERANCE}).")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
