"""What a profile will cost before it is run: every speed is measured here, on synthetic data.

A training job's step is timed as training takes it, for each distinct configuration in a process of
its own, whose peak memory is the job's; an environment's step, with the policies that collect its
data and with random ones. Hours are these times the numbers that the profile asks for.
"""

import itertools
import os
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch

import envs
from cds_bench.behaviour.recipes import recipes
from cds_bench.behaviour.rollout import Behaviour, episode, uniform
from cds_bench.config import Config, options
from cds_bench.dataset.pool import COLUMNS, Pool
from cds_bench.dataset.store import expected_columns
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import Policies
from cds_bench.evaluation.rollout import Arena
from cds_bench.progress import Progress
from cds_bench.snapshots import snapshot_steps
from cds_bench.status import aligned, clock
from cds_bench.training import loop, shift
from cds_bench.training.run import keep_freed_memory, make_job

SECONDS = 1.0  # of measuring each thing
ALIKE = 1.1  # strategies whose steps differ by less than this factor share a row
LABEL = 24  # characters of a row's strategies
WIDTH = 100  # characters of a line of prose
Key = tuple[str, str, str, str]  # suite, algorithm, sharing, device


@dataclass(frozen=True)
class World:
    """A suite's sizes, and seconds per step of its environments by task.

    collecting: with the policy that collects the task's data; evaluating: with trained policies,
    those of all seeds and episodes of a job in lockstep.
    """

    observation: int
    action: int
    collecting: dict[str, float]
    evaluating: dict[str, float]


@dataclass(frozen=True)
class Cost:
    """What one training job costs.

    phases: (steps, seconds per step), in turn; fit: seconds per step of fitting the behaviour that
    the policy's shift is measured from; memory: the process's peak, on a GPU the GPU's, in bytes;
    policy, critic: bytes of a snapshot and of the critics that are kept.
    """

    phases: tuple[tuple[int, float], ...]
    fit: float
    memory: int
    policy: int
    critic: int

    @property
    def steps_per_second(self) -> float:
        """Over the phases by their share of the steps, without the fit."""
        steps = sum(count for count, _ in self.phases)
        return steps / sum(count * seconds for count, seconds in self.phases)

    def seconds(self, fit_steps: int) -> float:
        """Of the whole job."""
        training = sum(count * seconds for count, seconds in self.phases)
        return training + (fit_steps + shift.ESTIMATE_BATCHES) * self.fit


@dataclass(frozen=True)
class Bill:
    """What a suite's jobs cost beside training: seconds, and bytes on disk.

    references, collecting: by task; evaluating: of one job, of which there are `jobs`.
    References and evaluation are upper bounds: every episode lasts its horizon.
    """

    jobs: int
    transitions: int
    references: dict[str, float]
    collecting: dict[str, float]
    evaluating: float
    datasets: int
    pool: int
    runs: int


def plan(config: Config, cores: int | None = None, seconds: float = SECONDS) -> str:
    """Measures a profile's parts, `seconds` each, and says what the whole will cost on `cores`."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    tasks = [(suite, task) for suite in config.suites for task in envs.SUITES[suite].tasks]
    methods = len(config.suites) * len(config.methods) * len(devices)
    with Progress("plan", len(tasks) + methods) as progress:
        worlds = measure_worlds(config, seconds, progress)
        costs = measure_training(config, worlds, devices, seconds, progress)
    load, ours = os.getloadavg()[0], config.training.threads
    warning = (
        f"Load of this machine meanwhile: {load:.1f}; above {ours}, others computed too, and the "
        "times are too long."
    )
    return f"{text(config, worlds, costs, cores or os.cpu_count() or 1)}\n{warning}"


def measure_worlds(config: Config, seconds: float, progress: Progress) -> dict[str, World]:
    """Every suite's environments; what suites have in common is measured once."""
    stepping: dict[tuple, float] = {}
    worlds = {}
    for suite in config.suites:
        sources = envs.SUITES[suite].sources
        collecting, evaluating = {}, {}
        for task, source in sources.items():
            env = Arena(task, [0], 1).envs[0]
            sizes = env.observation_space.shape[0], env.action_space.shape[0]
            for quality in ("random", source.quality):
                if (task, quality) not in stepping:
                    found = seconds_per_world_step(env, behaviours(config, env, quality), seconds)
                    stepping[task, quality] = found
            env.close()
            collecting[task] = stepping[task, source.quality]
            evaluating[task] = stepping[task, "random"]
            progress.update(progress.done + 1, f"{task}: {1 / collecting[task]:.0f} steps/s")
        acting = seconds_per_action(config.of(suite), sizes, len(sources), seconds)
        evaluating = {task: each + acting for task, each in evaluating.items()}
        worlds[suite] = World(*sizes, collecting, evaluating)
    return worlds


def behaviours(config: Config, env, quality: str) -> list[Behaviour]:
    """What collects data of a quality; the random policy where it is not trained yet."""
    try:
        return [recipe.behaviour for recipe in recipes(config, env, quality)]
    except BenchError:
        return [uniform(env.action_space.shape[0])]


def seconds_per_world_step(env, acting: list[Behaviour], seconds: float) -> float:
    """Over whole episodes of the behaviours in turn, resets included; at least one of each."""
    rng = np.random.default_rng(0)
    episode(env, acting[0], rng, limit=10)
    steps, count, start = 0, 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or count < len(acting):
        steps += len(episode(env, acting[count % len(acting)], rng)["rewards"])
        count += 1
    return spent / steps


def seconds_per_action(config: Config, sizes: tuple[int, int], tasks: int, seconds: float) -> float:
    """Of the policies of a job, per environment and step, as evaluation calls them in lockstep."""
    observation, action = sizes
    seeds, episodes = config.seeds_per_job, config.protocol.final_episodes
    widths = [observation + tasks, *config.training.hidden, 2 * action]
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [np.ones((1, seeds, rows, outputs), np.float32) for rows in (inputs, 1)]
    mean = np.zeros((tasks, observation), np.float32)
    policies = Policies(layers, [], [], mean, mean + 1, [0], list(range(seeds)), [""] * tasks, "")
    seen = np.zeros((seeds, episodes, observation))
    each = seconds_per_call(lambda: policies.act(0, 0, seen), "cpu", seconds / 10)
    return each / (seeds * episodes)


def seconds_per_call(call: Callable[[], object], device: str, seconds: float) -> float:
    """Mean over `seconds`, at least two calls; as many of a quarter of that are left out before."""
    repeat(call, device, seconds / 4, least=1)
    return repeat(call, device, seconds, least=2)


def repeat(call: Callable[[], object], device: str, seconds: float, least: int) -> float:
    """Calls for that many seconds and at least so often; the mean seconds of a call."""
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
    """Every method on every suite and device; what differs in nothing that costs is done once."""
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
    """`measure_job` in a fresh process, as a job is one: memory of a fork would be shared."""
    _, suite, algorithm, sharing, device, *_ = arguments
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(measure_job, *arguments).result()
    except (BrokenProcessPool, torch.OutOfMemoryError, MemoryError) as error:
        raise BenchError(
            f"{suite} {algorithm} {sharing}: could not be measured on {device} ({error}); most "
            "likely it needs more memory than there is: lower training.batch_size or seeds_per_job"
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
    """Times a training job's steps in each of its phases, and the fit after it."""
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
        lambda steps: shift.fit(job, device_pool, state, steps), config, device, seconds
    )
    learner = state.learner
    return Cost(
        timed, fit, loop.peak_bytes(device), size_of(learner.policy), size_of(learner.critic)
    )


def seconds_per_fit_step(
    fit: Callable[[int], object], config: Config, device: str, seconds: float
) -> float:
    """Of one fit that lasts about that long, and no longer than the job's own."""
    rough = repeat(lambda: fit(2), device, 0.0, least=1) / 2
    steps = max(2, min(config.training.shift_steps, round(seconds / rough)))
    return repeat(lambda: fit(steps), device, 0.0, least=1) / steps


def phases(config: Config, algorithm: str) -> list[tuple[int, int]]:
    """(a step, steps that cost what it costs): cloning, where the algorithm does, and the rest.

    The rest is timed after its first step, which moves to the new phase and is not like the others.
    """
    steps = config.training.steps
    settings = options("algorithms", algorithm, config.algorithms[algorithm])
    cloning = min(getattr(settings, "cloning_steps", 0), steps)
    return [(k, n) for k, n in ((0, cloning), (cloning + 1, steps - cloning)) if n]


def synthetic_pool(config: Config, suite: str, world: World) -> Pool:
    """Noise in the shapes of a suite's pool."""
    tasks = envs.SUITES[suite].tasks
    counts = [config.size(suite, task) for task in tasks]
    rng, rows = np.random.default_rng(0), sum(counts)

    def noise(*shape: int) -> np.ndarray:
        return rng.random(shape, dtype=np.float32)

    return Pool(
        suite=suite,
        domain=envs.SUITES[suite].domain,
        tasks=tasks,
        observations=noise(rows, world.observation),
        actions=2 * noise(rows, world.action) - 1,
        next_observations=noise(rows, world.observation),
        rewards=noise(rows, len(tasks)),
        terminals=np.zeros((rows, len(tasks)), np.float32),
        source=np.repeat(np.arange(len(tasks)), counts),
        ends=np.ones(rows, bool),
        observation_mean=np.full((len(tasks), world.observation), 0.5, np.float32),
        observation_scale=np.full((len(tasks), world.observation), 0.3, np.float32),
    )


def size_of(tensors: dict[str, torch.Tensor]) -> int:
    """Bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def bill(config: Config, suite: str, world: World, costs: dict[Key, Cost]) -> Bill:
    """A suite's share of the profile's numbers, times what was measured."""
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
        pool=sum(sizes.values()) * row_bytes(COLUMNS, world, len(sizes)),
        runs=groups * sum(of_runs),
    )


def row_bytes(columns: dict[str, tuple[type, int]], world: World, targets: int) -> int:
    """Of one transition whose rewards are those of so many tasks."""
    widths = {
        "observations": world.observation,
        "next_observations": world.observation,
        "actions": world.action,
        "rewards": targets,
        "terminals": targets,
    }
    return sum(widths.get(key, 1) * np.dtype(kind).itemsize for key, (kind, _) in columns.items())


def job_seconds(config: Config, costs: dict[Key, Cost], device: str) -> dict[Key, float]:
    """Of one training job of each method."""
    return {
        key: cost.seconds(config.of(key[0]).training.shift_steps)
        for key, cost in costs.items()
        if key[3] == device
    }


def wall_seconds(
    config: Config, bills: dict[str, Bill], training: dict[Key, float], device: str, cores: int
) -> float:
    """At best: no core ever waits, and nothing is over before its longest job and its evaluation.

    On a GPU the training jobs run one after the other. References are of a task, not of a suite.
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
    """Seconds of each task's references, which its suites share."""
    return {task: each for of in bills.values() for task, each in of.references.items()}


def grouped(rates: dict[str, float]) -> list[tuple[str, list[str]]]:
    """Strategies by what a step costs: (label, names), those alike in one row, quickest first."""
    groups: list[list[str]] = []
    for name in sorted(rates, key=rates.__getitem__, reverse=True):
        if groups and rates[groups[-1][0]] < ALIKE * rates[name]:
            groups[-1].append(name)
        else:
            groups.append([name])
    if len(groups) == 1 < len(rates):
        return [("all", groups[0])]
    return [(_label(names), names) for names in groups]


def _label(names: list[str]) -> str:
    joined = ", ".join(names)
    return joined if len(joined) <= LABEL else f"{names[0]} + {len(names) - 1} more"


def text(config: Config, worlds: dict[str, World], costs: dict[Key, Cost], cores: int) -> str:
    """What was measured, and what the profile comes to."""
    bills = {suite: bill(config, suite, world, costs) for suite, world in worlds.items()}
    parts = [_methods(config, costs), _suites(bills), _totals(config, bills, costs, cores)]
    return "\n\n".join(parts)


def _methods(config: Config, costs: dict[Key, Cost]) -> str:
    """A row per suite, algorithm, device and group of strategies alike."""
    header = ("  method", "on", "jobs", "seeds", "steps", "steps/s", "per job", "in all", "memory")
    groups = len(config.seed_groups)
    rows: list[tuple[str, ...]] = []
    for suite in config.suites:
        training = config.of(suite).training
        rows.append((suite,))
        for algorithm, device in dict.fromkeys((a, d) for s, a, _, d in costs if s == suite):
            of = {
                name: costs[suite, algorithm, name, device] for name in config.strategies(algorithm)
            }
            for label, names in grouped({name: cost.steps_per_second for name, cost in of.items()}):
                each = [of[name].seconds(training.shift_steps) for name in names]
                rate = len(names) / sum(1 / of[name].steps_per_second for name in names)
                rows.append((
                    f"  {algorithm} x {label}", device, str(len(names) * groups),
                    str(config.seeds_per_job), f"{training.steps:,}",
                    f"{rate:,.1f}" if rate >= 1 else f"{rate:.3f}", clock(sum(each) / len(each)),
                    clock(sum(each) * groups), storage(max(of[name].memory for name in names)),
                ))  # fmt: skip
    return aligned(header, rows, left=(0, 1))


def _suites(bills: dict[str, Bill]) -> str:
    """A row per suite: its data, its evaluation and its files."""
    header = ("suite", "transitions", "steps/s", "collecting", "evaluating", "datasets", "pool",
              "runs")  # fmt: skip
    rows = []
    for suite, of in bills.items():
        collecting = sum(of.collecting.values())
        rows.append((
            suite, f"{of.transitions:,}", f"{of.transitions / collecting:,.0f}", clock(collecting),
            clock(of.jobs * of.evaluating), *map(storage, (of.datasets, of.pool, of.runs)),
        ))  # fmt: skip
    return aligned(header, rows, left=(0,))


def _totals(config: Config, bills: dict[str, Bill], costs: dict[Key, Cost], cores: int) -> str:
    training, wall = {}, {}
    for device in dict.fromkeys(device for *_, device in costs):
        jobs = job_seconds(config, costs, device)
        training[device] = len(config.seed_groups) * sum(jobs.values())
        wall[device] = wall_seconds(config, bills, jobs, device, cores)
    collecting = sum(sum(each.collecting.values()) for each in bills.values())
    evaluating = sum(each.jobs * each.evaluating for each in bills.values())
    disk = [sum(getattr(each, name) for each in bills.values())
            for name in ("datasets", "pool", "runs")]  # fmt: skip
    most = max(cost.memory for (*_, device), cost in costs.items() if device == "cpu")
    abreast = max(1, cores // max(config.of(suite).training.threads for suite in bills))
    lines = [
        f"One job at a time: training {_each(training)}, data {clock(collecting)}, references "
        f"{clock(sum(references(bills).values()))}, evaluation {clock(evaluating)}; the last two "
        "at most, as if every episode lasted its horizon.",
        f"Wall time at --cores {cores}, at best: {_each(wall)}. Jobs side by side slow each other "
        "down.",
        "No GPU was found here, so none was measured."
        if "cuda" not in training
        else "On the GPU the training jobs run one after the other, beside the rest on the cores.",
        f"Disk: datasets {storage(disk[0])}, pools {storage(disk[1])}, runs {storage(disk[2])}, "
        f"in all {storage(sum(disk))} (computed from the shapes).",
        f"Memory: at most {storage(most)} a training job on the CPU, {storage(abreast * most)} for "
        f"{abreast} at a time (measured: the peak of a process that trains for seconds; long runs "
        "grow somewhat).",
        "Left out: starting each job, making pools, logs and checkpoints of training, statistics, "
        "tables, figures"
        + ("." if config.behaviour == "frozen" else ", and training behaviour policies; data of "
           "untrained ones were timed with random actions."),
    ]  # fmt: skip
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _each(seconds: dict[str, float]) -> str:
    names = {"cpu": "the CPU", "cuda": "the GPU"}
    return ", ".join(f"{clock(value)} on {names[device]}" for device, value in seconds.items())


def storage(count: float) -> str:
    """Bytes in MiB or GiB."""
    return f"{count / 2**30:,.2f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"
