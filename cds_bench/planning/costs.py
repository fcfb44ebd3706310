"""Turns measured speeds into the costs of a profile: seconds, and bytes on disk."""

from dataclasses import dataclass

import numpy as np

import envs
from cds_bench.config import Config
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.dataset.pool import COLUMNS, PER_ROW, PICTURES
from cds_bench.dataset.store import expected_columns
from cds_bench.training.divergence import ESTIMATE_BATCHES

Key = tuple[str, str, str, str]  # suite, algorithm, sharing, device


@dataclass(frozen=True)
class World:
    """A suite's sizes, and seconds per environment step by task.

    collecting: with the policy that collects the task's data.
    evaluating: with trained policies. All seeds and episodes of a job run in lockstep.
    picture: the shape of observed pictures; `observation` is then their number of bytes.
    """

    observation: int
    action: int
    collecting: dict[str, float]
    evaluating: dict[str, float]
    picture: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Cost:
    """What one training job costs.

    phases: (steps, seconds per step) of each phase, in their order.
    fit: seconds per step of fitting the behaviour model for the policy's shift.
    memory: peak memory of the process in bytes, or of the GPU if there is one.
    policy, critic: bytes of a policy snapshot and of the saved critics.
    """

    phases: tuple[tuple[int, float], ...]
    fit: float
    memory: int
    policy: int
    critic: int

    @property
    def steps_per_second(self) -> float:
        """The mean rate over all steps of the phases, without the fit."""
        steps = sum(count for count, _ in self.phases)
        return steps / sum(count * seconds for count, seconds in self.phases)

    def seconds(self, fit_steps: int) -> float:
        """Seconds of the whole job."""
        training = sum(count * seconds for count, seconds in self.phases)
        return training + (fit_steps + ESTIMATE_BATCHES) * self.fit


@dataclass(frozen=True)
class Bill:
    """What a suite's jobs cost besides training: seconds, and bytes on disk.

    references, collecting: seconds by task.
    evaluating: seconds of one job; there are `jobs` of them.
    References and evaluation are upper bounds, because every episode is taken to last its horizon.
    """

    jobs: int
    transitions: int
    references: dict[str, float]
    collecting: dict[str, float]
    evaluating: float
    datasets: int
    pool: int
    runs: int


def bill(config: Config, suite: str, world: World, costs: dict[Key, Cost]) -> Bill:
    """The bill of a suite: its numbers in the profile times the measured costs."""
    own, protocol = config.of(suite), config.protocol
    sizes = {task: config.size(suite, task) for task in world.collecting}
    horizon = {task: envs.TASKS[task].horizon for task in sizes}
    snapshots, groups = len(snapshot_steps(own)), len(config.seed_groups)
    curve = (snapshots - protocol.final_snapshots) * protocol.curve_episodes
    episodes = curve + protocol.final_snapshots * protocol.final_episodes
    of_runs = (
        snapshots * cost.policy + cost.critic
        for (its_suite, *_, device), cost in costs.items()
        if (its_suite, device) == (suite, "cpu")
    )
    columns = PICTURES | PER_ROW if world.picture else COLUMNS
    return Bill(
        jobs=len(config.methods) * groups,
        transitions=sum(sizes.values()),
        references={
            task: 3 * config.datasets.reference_episodes * horizon[task] * each
            for task, each in world.collecting.items()
        },
        collecting={task: sizes[task] * each for task, each in world.collecting.items()},
        evaluating=config.seeds_per_job
        * episodes
        * sum(horizon[task] * each for task, each in world.evaluating.items()),
        datasets=sum(
            size * row_bytes(expected_columns(task), world, 1) for task, size in sizes.items()
        ),
        pool=sum(sizes.values()) * row_bytes(columns, world, len(sizes)),
        runs=groups * sum(of_runs),
    )


def row_bytes(columns: dict[str, tuple[type, int]], world: World, targets: int) -> int:
    """Bytes of one transition that has rewards for `targets` tasks, before compression."""
    widths = {
        "observations": world.observation,
        "next_observations": world.observation,
        "actions": world.action,
        "rewards": targets,
        "terminals": targets,
    }
    return sum(widths.get(key, 1) * np.dtype(kind).itemsize for key, (kind, _) in columns.items())


def job_seconds(config: Config, costs: dict[Key, Cost], device: str) -> dict[Key, float]:
    """Seconds of one training job of each method."""
    return {
        key: cost.seconds(config.of(key[0]).training.shift_steps)
        for key, cost in costs.items()
        if key[3] == device
    }


def wall_seconds(
    config: Config, bills: dict[str, Bill], training: dict[Key, float], device: str, cores: int
) -> float:
    """The wall time at best, in seconds.

    It assumes that no core ever waits, and it is at least the longest job with its evaluation. On a
    GPU the training jobs run one after the other. Suites with the same task share its references.
    """
    groups = len(config.seed_groups)
    work = sum(references(bills).values())
    work += sum(
        sum(each.collecting.values()) + each.jobs * each.evaluating for each in bills.values()
    )
    longest = max(each + bills[suite].evaluating for (suite, *_), each in training.items())
    if device != "cpu":
        return max(work / cores, groups * sum(training.values()), longest)
    threads = {suite: config.of(suite).training.threads for suite in bills}
    work += groups * sum(each * threads[suite] for (suite, *_), each in training.items())
    return max(work / cores, longest)


def references(bills: dict[str, Bill]) -> dict[str, float]:
    """Seconds of each task's references. Suites that share a task share its references."""
    return {task: each for of in bills.values() for task, each in of.references.items()}


def needs(
    config: Config, worlds: dict[str, World], costs: dict[Key, Cost]
) -> dict[str, dict[str, float]]:
    """What one job needs, in seconds and bytes of main memory, by rule and wildcards.

    Training is timed on the GPU if there is one and the profile may use it. Its main memory is
    that of training on the CPU.
    """
    found: dict[str, dict[str, float]] = {}
    for suite, world in worlds.items():
        of = bill(config, suite, world, costs)
        found |= {f"references/{task}": {"seconds": each} for task, each in of.references.items()}
        found |= {
            f"dataset/{suite}/{task}": {"seconds": each} for task, each in of.collecting.items()
        }
        found[f"evaluate/{suite}"] = {"seconds": of.evaluating}
    for (suite, algorithm, sharing, device), cost in costs.items():
        own = config.of(suite).training
        need = found.setdefault(f"train/{suite}/{algorithm}/{sharing}", {})
        if device == "cpu":
            need["bytes"] = cost.memory
        if device == "cpu" or own.device != "cpu":
            need["seconds"] = cost.seconds(own.shift_steps)  # of the GPU, which is measured last
    return found
