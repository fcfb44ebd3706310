"""The loop: sample, decide what is shared, relabel, one optimiser step for all seeds."""

import itertools
import time
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from cds_bench.noise import Noise
from cds_bench.progress import Progress
from cds_bench.records import Critic, Offer, Sharing, Sizes
from cds_bench.seeding import seed_of
from cds_bench.training import data
from cds_bench.training.data import DevicePool
from cds_bench.training.metrics import Recorder


@dataclass(frozen=True)
class Job:
    """What one job trains: a suite's pool with one algorithm, one strategy and a group of seeds."""

    suite: str
    tasks: tuple[str, ...]
    algorithm: ModuleType
    algorithm_name: str
    algorithm_config: Any
    strategy: ModuleType
    strategy_config: Any
    seeds: list[int]
    steps: int
    batch_size: int
    hidden: tuple[int, ...]
    device: str


@dataclass
class State:
    """Everything that a step changes."""

    learner: Any
    optimiser: torch.optim.Optimizer
    sharing: Tensor | None
    noise: dict[str, Noise] = field(repr=False)


@dataclass(frozen=True)
class Result:
    """Snapshots of the policies, each parameter [snapshots, S, ...], and tables over training."""

    policies: dict[str, Tensor]
    metrics: pd.DataFrame
    timing: pd.DataFrame


def start(job: Job, pool: DevicePool) -> State:
    """Parameters, optimiser and streams; the strategy's name enters none of them."""
    sizes = Sizes(
        seeds=len(job.seeds),
        tasks=pool.tasks,
        observation=pool.observations.shape[1],
        action=pool.actions.shape[1],
        hidden=job.hidden,
    )
    generators = [
        torch.Generator().manual_seed(seed_of("initialise", job.suite, job.algorithm_name, seed))
        for seed in job.seeds
    ]
    learner = job.algorithm.initialise(generators, sizes, job.device)
    groups = job.algorithm.groups(learner)
    for parameter in itertools.chain(*groups):
        parameter.requires_grad_()
    purposes = ("batch", "sharing", "algorithm", "backup")
    return State(
        learner=learner,
        optimiser=torch.optim.Adam([{"params": group} for group in groups], fused=True),
        sharing=None,
        noise={
            purpose: Noise(purpose, job.suite, job.algorithm_name, job.seeds, job.device)
            for purpose in purposes
        },
    )


def critic_of(job: Job, pool: DevicePool, state: State, rows: Tensor) -> Critic:
    """The critic's view of the offered rows, for the strategy; computed only when it asks."""
    shape = rows.shape

    def value(task: Tensor) -> Tensor:
        flat = rows.flatten(1)
        states = data.states(pool, pool.observations[flat], task.flatten(1))
        return job.algorithm.value(state.learner, states, pool.actions[flat]).view(shape)

    def backup(task: Tensor) -> Tensor:
        batch = data.gather(pool, rows, task, torch.ones(shape, device=rows.device))
        noise = state.noise["backup"].normal(shape[1] * shape[2], 1, pool.actions.shape[1])
        config = job.algorithm_config
        return job.algorithm.soft_backup(config, state.learner, batch, noise).view(shape)

    return Critic(value=value, backup=backup)


def train_step(job: Job, pool: DevicePool, state: State, step: int) -> tuple[Any, Offer, Sharing]:
    """One step of all seeds; returns the loss terms, the offer and the strategy's decision."""
    shape = (pool.tasks, job.batch_size)
    draws = state.noise["batch"].uniform(*shape, dtype=torch.float64)
    rows = data.offer_rows(pool, job.strategy_config.batch, draws)
    offer = data.make_offer(pool, rows)
    with torch.no_grad():
        decision = job.strategy.share(
            job.strategy_config,
            offer,
            critic_of(job, pool, state, rows),
            state.noise["sharing"].uniform(*shape),
            state.sharing,
        )
    state.sharing = decision.state
    batch = data.gather(pool, rows, data.effective(offer, decision), decision.weight)
    terms = job.algorithm.losses(
        job.algorithm_config, state.learner, batch, state.noise["algorithm"], step
    )
    job.algorithm.before_step(job.algorithm_config, state.optimiser, step)
    state.optimiser.zero_grad(set_to_none=True)
    terms.total.backward()
    state.optimiser.step()
    job.algorithm.after_step(job.algorithm_config, state.learner)
    return terms, offer, decision


def train(job: Job, pool: DevicePool, log_points: int, snapshot_steps: list[int]) -> Result:
    """Trains a job from its first to its last step."""
    state = start(job, pool)
    recorder = Recorder(job.seeds, job.tasks)
    log_steps = {round(job.steps * (k + 1) / log_points) for k in range(log_points)}
    snapshots: list[dict[str, Tensor]] = []
    timing: list[tuple[int, float, float]] = []
    title = f"train {job.suite} {job.algorithm_name} {job.strategy.__name__.split('.')[-1]}"
    began = logged_at = time.perf_counter()
    logged = 0
    with Progress(title, job.steps) as progress:
        for step in range(job.steps + 1):
            if step in snapshot_steps:
                snapshots.append(
                    {name: value.detach().clone() for name, value in state.learner.policy.items()}
                )
            if step == job.steps:
                break
            recorder.add(*train_step(job, pool, state, step))
            if (done := step + 1) in log_steps:
                note = recorder.write(done)
                now = time.perf_counter()
                timing.append((done, now - began, (done - logged) / (now - logged_at)))
                logged, logged_at = done, now
                progress.update(done, note)
    policies = {
        name: torch.stack([snapshot[name] for snapshot in snapshots]).cpu() for name in snapshots[0]
    }
    columns = ["step", "seconds", "steps_per_second"]
    return Result(policies, recorder.table(), pd.DataFrame(timing, columns=columns))
