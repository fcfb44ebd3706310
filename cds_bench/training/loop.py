"""The training loop: sample, decide what is shared, relabel, and update all seeds at once."""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from cds_bench.algorithms import encoder
from cds_bench.contracts import Algorithm, AlgorithmConfig, Learner, Strategy, StrategyConfig, Terms
from cds_bench.dataset.pool import Pool
from cds_bench.noise import Noise
from cds_bench.progress import Progress
from cds_bench.records import Batch, Critic, Offer, Sharing, Sizes
from cds_bench.seeding import seed_of
from cds_bench.storage.versions import now
from cds_bench.training import data
from cds_bench.training.data import DevicePool, Transitions
from cds_bench.training.device import peak_bytes
from cds_bench.training.recorder import Recorder


@dataclass(frozen=True)
class Job:
    """What one job trains: a suite's pool with one algorithm, one strategy and a group of seeds."""

    suite: str
    tasks: tuple[str, ...]
    algorithm: Algorithm
    algorithm_name: str
    algorithm_config: AlgorithmConfig
    strategy: Strategy
    strategy_config: StrategyConfig
    seeds: list[int]
    steps: int
    batch_size: int
    hidden: tuple[int, ...]
    layer_norm: bool
    learning_rate_decay: str  # "none" or "cosine"
    device: str
    augmentation: str = "shift"  # of pictures; or "none"


@dataclass
class State:
    """Everything that a step changes. From it, training continues as if it had never stopped."""

    learner: Learner
    optimiser: torch.optim.Optimizer
    noise: dict[str, Noise] = field(repr=False)
    recorder: Recorder
    sharing: Tensor | None = None
    started: str = field(default_factory=now)
    step: int = 0
    seconds: float = 0.0
    interruptions: int = 0
    peak_bytes: int = 0
    snapshots: list[dict[str, Tensor]] = field(default_factory=list)
    timing: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Steps per second since the last row of `timing`."""
        logged, logged_at, _ = self.timing[-1] if self.timing else (0, 0.0, 0.0)
        return (self.step - logged) / max(self.seconds - logged_at, 1e-9)


@dataclass(frozen=True)
class Result:
    """The results of training: snapshots of the policies, tables over training, the last state.

    Each parameter of the policies is [snapshots, S, ...]. There are fewer snapshots if every seed
    has failed (`state.recorder.failed`).
    """

    policies: dict[str, Tensor]
    metrics: pd.DataFrame
    timing: pd.DataFrame
    state: State


def device_pool(job: Job, pool: Pool) -> DevicePool:
    """The pool on the job's device, with returns-to-go in the units of the job's algorithm."""
    config = job.algorithm_config
    return data.to_device(
        pool, job.device, config.discount, config.reward_scale, config.reward_shift
    )


def sizes_of(job: Job, pool: DevicePool) -> Sizes:
    """The sizes of a job's networks."""
    return Sizes(
        seeds=len(job.seeds),
        tasks=pool.tasks,
        observation=encoder.FEATURES if pool.picture else pool.observations.shape[1],
        action=pool.actions.shape[1],
        hidden=job.hidden,
        layer_norm=job.layer_norm,
        picture=pool.picture,
    )


def start(job: Job, pool: DevicePool) -> State:
    """Initial parameters, optimiser and streams. None of them depends on the strategy's name."""
    sizes = sizes_of(job, pool)
    generators = [
        torch.Generator().manual_seed(seed_of("initialise", job.suite, job.algorithm_name, seed))
        for seed in job.seeds
    ]
    learner = job.algorithm.initialise(generators, sizes, job.device)
    groups = job.algorithm.groups(learner)
    for parameter in itertools.chain(*groups):
        parameter.requires_grad_()
    purposes = ["batch", "sharing", "algorithm", "backup"]
    if pool.picture and job.augmentation == "shift":
        purposes.append("augmentation")
    return State(
        learner=learner,
        optimiser=torch.optim.Adam([{"params": group} for group in groups], fused=True),
        noise={
            purpose: Noise(purpose, job.suite, job.algorithm_name, job.seeds, job.device)
            for purpose in purposes
        },
        recorder=Recorder(job.seeds, job.tasks),
    )


def snapshot(learner: Learner) -> dict[str, Tensor]:
    """A copy of the policy and, with names that begin with `encoder_`, its encoder."""
    encoders = {f"encoder_{name}": value for name, value in learner.encoder.items()}
    return {name: value.detach().clone() for name, value in (learner.policy | encoders).items()}


def learner_tensors(learner: Learner) -> dict[str, Tensor]:
    """Every tensor of a learner by name. Its fields are tensors or dictionaries of tensors."""
    found = {}
    for field_name, value in vars(learner).items():
        parts = value if isinstance(value, dict) else {"": value}
        found |= {f"{field_name}.{name}": tensor.detach() for name, tensor in parts.items()}
    return found


def capture(state: State) -> dict[str, Any]:
    """The state as plain data, for a checkpoint."""
    return {
        "started": state.started,
        "step": state.step,
        "seconds": state.seconds,
        "interruptions": state.interruptions,
        "peak_bytes": state.peak_bytes,
        "learner": learner_tensors(state.learner),
        "optimiser": state.optimiser.state_dict(),
        "noise": {purpose: noise.states() for purpose, noise in state.noise.items()},
        "recorder": vars(state.recorder),
        "sharing": state.sharing,
        "snapshots": state.snapshots,
        "timing": state.timing,
    }


def restore(state: State, saved: dict[str, Any], device: str) -> None:
    """Restores a captured state into a fresh one."""
    for name, tensor in learner_tensors(state.learner).items():
        tensor.copy_(saved["learner"][name])
    state.optimiser.load_state_dict(saved["optimiser"])
    for purpose, noise in state.noise.items():
        noise.set_states(saved["noise"][purpose])
    vars(state.recorder).update(_to(saved["recorder"], device))
    state.sharing = _to(saved["sharing"], device)
    state.snapshots = _to(saved["snapshots"], device)
    for name in ("started", "step", "seconds", "peak_bytes", "timing"):
        setattr(state, name, saved[name])
    state.interruptions = saved["interruptions"] + 1


def _to(value: Any, device: str) -> Any:
    """The plain data with their tensors moved to the device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _to(item, device) for name, item in value.items()}
    return [_to(item, device) for item in value] if isinstance(value, list) else value


def critic_of(job: Job, pool: DevicePool, state: State, transitions: Transitions) -> Critic:
    """The critic's view of the offered transitions, computed only when the strategy asks for it."""
    rows = transitions.rows

    def value(task: Tensor) -> Tensor:
        states = data.states(pool, transitions.observations, task.flatten(1))
        return job.algorithm.value(state.learner, states, transitions.actions).view(task.shape)

    def backup(task: Tensor) -> Tensor:
        ones = torch.ones(task.shape, device=rows.device)
        batch = data.relabel(pool, transitions, task, ones)
        noise = state.noise["backup"].normal(rows.shape[1], 1, pool.actions.shape[1])
        config = job.algorithm_config
        return job.algorithm.soft_backup(config, state.learner, batch, noise).view(task.shape)

    def returns(task: Tensor) -> Tensor:
        return pool.returns[rows.view(task.shape), task]

    return Critic(value=value, backup=backup, returns=returns)


def effective_batch(
    job: Job, pool: DevicePool, state: State
) -> tuple[Batch, Tensor, Offer, Sharing]:
    """A batch of every task's effective data, with the offered rows, the offer and the decision."""
    shape = (pool.tasks, job.batch_size)
    draws = state.noise["batch"].uniform(*shape, dtype=torch.float64)
    rows = data.offer_rows(pool, job.strategy_config.batch, draws)
    offer = data.make_offer(pool, rows)
    shifts = state.noise.get("augmentation")
    transitions = data.encoded(data.gather(pool, rows), state.learner.encoder, shifts)
    with torch.no_grad():
        decision = job.strategy.share(
            job.strategy_config,
            offer,
            critic_of(job, pool, state, transitions),
            state.noise["sharing"].uniform(*shape),
            state.sharing,
        )
    state.sharing = decision.state
    task = data.effective(offer, decision)
    batch = data.relabel(pool, transitions, task, decision.weight, decision.unlabelled)
    return batch, rows, offer, decision


def cosine(step: int, steps: int) -> float:
    """(1 + cos(pi step / steps)) / 2, from 1 at the first step towards 0 at the last."""
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))


def train_step(job: Job, pool: DevicePool, state: State) -> tuple[Terms, Tensor, Offer, Sharing]:
    """Does one step of all seeds. Returns the loss terms, offered rows, offer and decision."""
    batch, rows, offer, decision = effective_batch(job, pool, state)
    config = job.algorithm_config
    terms = job.algorithm.losses(config, state.learner, batch, state.noise["algorithm"], state.step)
    job.algorithm.before_step(config, state.optimiser, state.step)
    if job.learning_rate_decay == "cosine":
        for group in state.optimiser.param_groups:
            group["lr"] *= cosine(state.step, job.steps)
    state.optimiser.zero_grad(set_to_none=True)
    terms.total.backward()
    state.optimiser.step()
    job.algorithm.after_step(config, state.learner)
    state.step += 1
    return terms, rows, offer, decision


def train(
    job: Job,
    pool: DevicePool,
    log_points: int,
    snapshot_steps: list[int],
    saved: dict[str, Any] | None = None,
    after_step: Callable[[State], None] = lambda state: None,
) -> Result:
    """Trains a job from its first step, or from a checkpoint, to its last.

    `after_step` is called with the state after every step, for example to save it. A seed has
    failed once its losses are not finite; the other seeds go on. Training ends early if every seed
    has failed.
    """
    state = start(job, pool)
    if saved:
        restore(state, saved, job.device)
    log_steps = {round(job.steps * (k + 1) / log_points) for k in range(log_points)}
    title = f"train {job.suite} {job.algorithm_name} {job.strategy.__name__.split('.')[-1]}"
    began = time.perf_counter() - state.seconds
    with Progress(title, job.steps, state.step) as progress:
        while True:
            if state.step in snapshot_steps:
                state.snapshots.append(snapshot(state.learner))
            if state.step == job.steps:
                break
            state.recorder.add(*train_step(job, pool, state), state.step)
            state.seconds = time.perf_counter() - began
            state.peak_bytes = max(state.peak_bytes, peak_bytes(job.device))
            note = ""
            if state.step in log_steps:
                note = state.recorder.write(state.step, pool)
                state.timing.append((state.step, state.seconds, state.rate))
                if len(state.recorder.failed) == len(job.seeds):
                    break
            progress.update(state.step, note)
            after_step(state)
    policies = {
        name: torch.stack([snapshot[name] for snapshot in state.snapshots]).cpu()
        for name in state.snapshots[0]
    }
    columns = ["step", "seconds", "steps_per_second"]
    timing = pd.DataFrame(state.timing, columns=columns)
    return Result(policies, state.recorder.table(), timing, state)
