"""Measures the speed of a profile's parts on this machine: environments, policies, training."""

import itertools
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import numpy as np
import torch

import envs
from cds_bench.algorithms import encoder
from cds_bench.behaviour.recipes import recipes
from cds_bench.behaviour.rollout import Behaviour, episode, uniform
from cds_bench.config import Config, options
from cds_bench.dataset.pool import Pool
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import Policies
from cds_bench.evaluation.rollout import Arena
from cds_bench.planning.costs import Cost, Key, World
from cds_bench.progress import Progress
from cds_bench.training import divergence, loop
from cds_bench.training.device import keep_freed_memory, peak_bytes
from cds_bench.training.run import make_job

SECONDS = 1.0  # how long each part is measured


def measure_worlds(config: Config, seconds: float, progress: Progress) -> dict[str, World]:
    """Measures the environments of every suite. Parts that suites share are measured once."""
    stepping: dict[tuple, float] = {}
    worlds = {}
    for suite in config.suites:
        sources = envs.SUITES[suite].sources
        collecting, evaluating = {}, {}
        for task, source in sources.items():
            env = Arena(task, [0], 1).envs[0]
            sizes = math.prod(env.observation_space.shape), env.action_space.shape[0]
            for quality in ("random", source.quality):
                if (task, quality) not in stepping:
                    found = seconds_per_world_step(env, behaviours(config, env, quality), seconds)
                    stepping[task, quality] = found
            env.close()
            collecting[task] = stepping[task, source.quality]
            evaluating[task] = stepping[task, "random"]
            progress.update(progress.done + 1, f"{task}: {1 / collecting[task]:.0f} steps/s")
        picture = envs.TASKS[task].picture
        acting = seconds_per_action(config.of(suite), sizes, len(sources), seconds, picture)
        evaluating = {task: each + acting for task, each in evaluating.items()}
        worlds[suite] = World(*sizes, collecting, evaluating, picture)
    return worlds


def behaviours(config: Config, env, quality: str) -> list[Behaviour]:
    """The policies that collect data of a quality, or the random policy if they are untrained."""
    try:
        return [recipe.behaviour for recipe in recipes(config, env, quality)]
    except BenchError:
        return [uniform(env.action_space.shape[0])]


def seconds_per_world_step(env, acting: list[Behaviour], seconds: float) -> float:
    """Measured over whole episodes with resets. Behaviours take turns, with at least one each."""
    rng = np.random.default_rng(0)
    episode(env, acting[0], rng, limit=10)
    steps, count, start = 0, 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or count < len(acting):
        steps += len(episode(env, acting[count % len(acting)], rng)["rewards"])
        count += 1
    return spent / steps


def seconds_per_action(
    config: Config,
    sizes: tuple[int, int],
    tasks: int,
    seconds: float,
    picture: tuple[int, int, int] | None = None,
) -> float:
    """The time of a job's policies per environment and step, when called in lockstep."""
    observation, action = sizes
    seeds, episodes = config.seeds_per_job, config.protocol.final_episodes
    generators = [torch.Generator() for _ in range(seeds)]
    tensors = encoder.initialise_encoder(generators, picture, "cpu")
    seeing = [tensor[None].numpy() for tensor in tensors.values()]
    features = encoder.FEATURES if picture else observation
    widths = [features + tasks, *config.training.hidden, 2 * action]
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [np.ones((1, seeds, rows, outputs), np.float32) for rows in (inputs, 1)]
    mean = np.zeros((tasks, observation), np.float32)
    policies = Policies(
        layers, [], [], mean, mean + 1, [0], list(range(seeds)), [""] * tasks, "",
        encoder=seeing, strides=[each.stride for each in encoder.CONVOLUTIONS],
    )  # fmt: skip
    seen = np.zeros((seeds, episodes, *(picture or (observation,))))
    each = seconds_per_call(lambda: policies.act(0, 0, seen), "cpu", seconds / 10)
    return each / (seeds * episodes)


def seconds_per_call(call: Callable[[], object], device: str, seconds: float) -> float:
    """Mean time over `seconds` and at least two calls, after warming up for a quarter of that."""
    repeat(call, device, seconds / 4, least=1)
    return repeat(call, device, seconds, least=2)


def repeat(call: Callable[[], object], device: str, seconds: float, least: int) -> float:
    """Calls for `seconds` and at least `least` times, and returns the mean seconds of a call."""
    count, start = 0, time.perf_counter()
    while count < least or time.perf_counter() - start < seconds:
        call()
        count += 1
    if device != "cpu":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def measure_training(
    config: Config,
    worlds: dict[str, World],
    devices: list[str],
    seconds: float,
    progress: Progress,
) -> dict[Key, Cost]:
    """Measures all methods on all suites and devices. Those of equal cost are measured once."""
    costs: dict[Key, Cost] = {}
    known: dict[tuple, Cost] = {}
    for suite, world in worlds.items():
        own = config.of(suite)
        counts = tuple(config.size(suite, task) for task in world.collecting)
        for (algorithm, sharing), device in itertools.product(own.methods, devices):
            same = (world.observation, world.action, counts, algorithm, sharing, device,
                    repr((own.algorithms[algorithm], own.training)))  # fmt: skip
            if same not in known:
                arguments = (own, suite, algorithm, sharing, device, world, seconds)
                known[same] = alone(arguments)
            costs[suite, algorithm, sharing, device] = cost = known[same]
            note = f"{suite} {algorithm} {sharing}: {cost.steps_per_second:.1f} steps/s"
            progress.update(progress.done + 1, note)
    return costs


def alone(arguments: tuple) -> Cost:
    """`measure_job` in a fresh process, as in a real job. A fork would share its memory."""
    _, suite, algorithm, sharing, device, *_ = arguments
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(measure_job, *arguments).result()
    except (BrokenProcessPool, torch.OutOfMemoryError, MemoryError) as error:
        raise BenchError(
            f"{suite} {algorithm} {sharing}: could not be measured on {device} ({error}); most "
            "likely there is too little memory: lower training.batch_size or seeds_per_job"
        ) from error


def measure_job(
    config: Config,
    suite: str,
    algorithm: str,
    sharing: str,
    device: str,
    world: World,
    seconds: float,
) -> Cost:
    """Times the steps of a training job in each of its phases, and the fit after training."""
    for folder in config.suite_folders:  # this process has not read the profile
        envs.include(folder)
    torch.set_num_threads(config.training.threads)
    keep_freed_memory()
    training = config.training.model_copy(update={"device": device})
    config = config.model_copy(update={"training": training})
    first, last = config.seed_groups[0]
    pool = synthetic_pool(config, suite, world)
    job = make_job(config, suite, algorithm, sharing, f"{first}-{last}", pool.tasks)
    device_pool = loop.device_pool(job, pool)
    state = loop.start(job, device_pool)

    def step(number: int) -> None:
        state.step = number
        state.recorder.add(*loop.train_step(job, device_pool, state), state.step)

    timed = tuple(
        (count, seconds_per_call(lambda: step(number), device, seconds))  # noqa: B023
        for number, count in phases(config, algorithm)
    )
    fit = seconds_per_fit_step(
        lambda steps: divergence.fit(job, device_pool, state, steps), config, device, seconds
    )
    learner = state.learner
    return Cost(
        timed,
        fit,
        peak_bytes(device),
        size_of(loop.snapshot(learner)),
        size_of(learner.critic),
    )


def seconds_per_fit_step(
    fit: Callable[[int], object], config: Config, device: str, seconds: float
) -> float:
    """Measured on one fit of about `seconds`, with no more steps than the job's own fit has."""
    rough = repeat(lambda: fit(2), device, 0.0, least=1) / 2
    steps = max(2, min(config.training.shift_steps, round(seconds / rough)))
    return repeat(lambda: fit(steps), device, 0.0, least=1) / steps


def phases(config: Config, algorithm: str) -> list[tuple[int, int]]:
    """The phases of training, as (a step to time, number of steps of that phase).

    They are the cloning steps, if the algorithm has any, and the remaining steps. The remaining
    steps are timed from their second one on, because the first one also switches phases.
    """
    steps = config.training.steps
    settings = options("algorithms", algorithm, config.algorithms[algorithm])
    cloning = min(getattr(settings, "cloning_steps", 0), steps)
    return [(k, n) for k, n in ((0, cloning), (cloning + 1, steps - cloning)) if n]


def synthetic_pool(config: Config, suite: str, world: World) -> Pool:
    """A pool of random numbers with the shapes of a suite's pool."""
    tasks = envs.SUITES[suite].tasks
    counts = [config.size(suite, task) for task in tasks]
    rng, rows = np.random.default_rng(0), sum(counts)

    def noise(*shape: int) -> np.ndarray:
        return rng.random(shape, dtype=np.float32)

    source, ends = np.repeat(np.arange(len(tasks)), counts), np.ones(rows, bool)
    if world.picture:
        ends = np.arange(1, rows + 1) % envs.TASKS[tasks[0]].horizon == 0
        shape = (rows + ends.sum(), *world.picture)
        seen = {"observations": rng.integers(0, 256, shape, np.uint8)}
        seen |= dict.fromkeys(("next_observations", "observation_mean", "observation_scale"))
    else:
        each = (len(tasks), world.observation)
        seen = {
            "observations": noise(rows, world.observation),
            "next_observations": noise(rows, world.observation),
            "observation_mean": np.full(each, 0.5, np.float32),
            "observation_scale": np.full(each, 0.3, np.float32),
        }
    return Pool(
        suite=suite,
        domain=envs.SUITES[suite].domain,
        tasks=tasks,
        actions=2 * noise(rows, world.action) - 1,
        rewards=noise(rows, len(tasks)),
        terminals=np.zeros((rows, len(tasks)), np.float32),
        source=source,
        ends=ends,
        **seen,
    )


def size_of(tensors: dict[str, torch.Tensor]) -> int:
    """The bytes of some tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
