"""The engine of cds_bench as a training job runs it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.synthetic import transitions
from cds_bench.algorithms import cql
from cds_bench.config import plugins
from cds_bench.dataset.pool import Pool
from cds_bench.training import loop
from cds_bench.training.data import DevicePool
from cds_bench.training.device import keep_freed_memory


def make_pool(spec: dict[str, Any]) -> Pool:
    """A synthetic pool whose rows are divided evenly among the tasks."""
    tasks = spec["tasks"]
    if "picture" in spec:
        return make_pictures(spec)
    arrays = transitions(spec["rows"], spec["observation"], spec["action"], tasks)
    source = np.arange(spec["rows"]) * tasks // spec["rows"]
    return Pool(
        suite="benchmark",
        domain="benchmark",
        tasks=task_names(tasks),
        source=source,
        ends=np.ones(spec["rows"], bool),
        observation_mean=np.zeros((tasks, spec["observation"]), np.float32),
        observation_scale=np.ones((tasks, spec["observation"]), np.float32),
        **arrays,
    )


def make_pictures(spec: dict[str, Any]) -> Pool:
    """A synthetic pool of pictures, with episodes of 40 rows."""
    rows, tasks, rng = spec["rows"], spec["tasks"], np.random.default_rng(0)
    ends = np.arange(1, rows + 1) % 40 == 0
    return Pool(
        suite="benchmark",
        domain="benchmark",
        tasks=task_names(tasks),
        observations=rng.integers(0, 256, (rows + ends.sum(), *spec["picture"]), np.uint8),
        actions=2.0 * rng.random((rows, spec["action"]), np.float32) - 1.0,
        next_observations=None,
        rewards=rng.standard_normal((rows, tasks), np.float32),
        terminals=np.zeros((rows, tasks), np.float32),
        source=np.arange(rows) * tasks // rows,
        ends=ends,
        observation_mean=None,
        observation_scale=None,
    )


def task_names(tasks: int) -> tuple[str, ...]:
    return tuple(f"task-{i}" for i in range(tasks))


def make_job(spec: dict[str, Any]) -> loop.Job:
    """CQL with the specification's sizes, strategy and `options` of the algorithm's Config."""
    strategy = plugins.load("sharing", spec["sharing"])
    return loop.Job(
        suite="benchmark",
        tasks=task_names(spec["tasks"]),
        algorithm=cql,
        algorithm_name="cql",
        algorithm_config=cql.Config(actions=spec["actions"], **spec["options"]),
        strategy=strategy,
        strategy_config=strategy.Config(),
        seeds=list(range(spec["seeds"])),
        steps=10**9,
        batch_size=spec["batch"],
        hidden=tuple(spec["hidden"]),
        layer_norm=spec["layer_norm"],
        learning_rate_decay="none",
        device=spec["device"],
    )


def begin(spec: dict[str, Any]) -> tuple[loop.Job, DevicePool, loop.State]:
    """A job, its pool on the device, and its state before the first step."""
    job = make_job(spec)
    pool = loop.device_pool(job, make_pool(spec))
    keep_freed_memory()
    return job, pool, loop.start(job, pool)


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step as `loop.train` does it: batch, sharing decision, update and record."""
    job, pool, state = begin(spec)

    def step() -> int:
        state.recorder.add(*loop.train_step(job, pool, state), state.step)
        return 1

    return step
