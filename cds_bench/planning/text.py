"""The text of `cds-bench plan`: the measured speeds and the costs of the profile."""

import os
import textwrap

import torch

import envs
from cds_bench.config import Config
from cds_bench.planning.costs import (
    Bill,
    Cost,
    Key,
    World,
    bill,
    job_seconds,
    needs,
    references,
    wall_seconds,
)
from cds_bench.planning.measure import SECONDS, measure_training, measure_worlds
from cds_bench.progress import Progress
from cds_bench.statistics.decisions import undecidable
from cds_bench.status.layout import aligned, clock

ALIKE = 1.1  # strategies share a row if their speeds differ by less than this factor
LABEL = 24  # the strategies of a row take at most this many characters
WIDTH = 100  # a line of prose has at most this many characters


def estimate(
    config: Config, cores: int | None = None, seconds: float = SECONDS
) -> tuple[str, dict[str, dict[str, float]]]:
    """Measures each part of a profile for `seconds` and estimates its cost on `cores` as text.

    Also returns what each job needs (`costs.needs`).
    """
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    tasks = [(suite, task) for suite in config.suites for task in envs.SUITES[suite].tasks]
    methods = len(config.suites) * len(config.methods) * len(devices)
    with Progress("plan", len(tasks) + methods) as progress:
        worlds = measure_worlds(config, seconds, progress)
        costs = measure_training(config, worlds, devices, seconds, progress)
    load, ours = os.getloadavg()[0], config.training.threads
    warning = (
        f"The load of this machine was {load:.1f}. If that is above {ours}, other processes ran "
        "too, and the times are too long."
    )
    text = f"{summary(config, worlds, costs, cores or os.cpu_count() or 1)}\n{warning}"
    return text, needs(config, worlds, costs)


def grouped(rates: dict[str, float]) -> list[tuple[str, list[str]]]:
    """Groups strategies of similar speed: (label, names) of each group, the fastest first."""
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


def summary(config: Config, worlds: dict[str, World], costs: dict[Key, Cost], cores: int) -> str:
    """The measured speeds and the costs of the profile, as text."""
    bills = {suite: bill(config, suite, world, costs) for suite, world in worlds.items()}
    parts = [_methods(config, costs), _suites(bills), _totals(config, bills, costs, cores)]
    return "\n\n".join(parts)


def _methods(config: Config, costs: dict[Key, Cost]) -> str:
    """A row per suite, algorithm, device and group of strategies of similar speed."""
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
    trained = sum(each.jobs for each in bills.values())
    tasks = [task for suite in bills for task in envs.SUITES[suite].tasks]
    made = len(set(tasks)) + len(tasks) + len(bills)
    lines = [
        f"Jobs: {trained} to train, {trained} to evaluate, {made} for references, datasets and "
        "pools. Statistics, tables and figures are made in minutes.",
        f"One job at a time: training {_each(training)}, data {clock(collecting)}, references "
        f"{clock(sum(references(bills).values()))}, evaluation {clock(evaluating)}. The last two "
        "are upper bounds, because episodes may end before their horizon.",
        f"Wall time at --cores {cores}, at best: {_each(wall)}. Jobs that run side by side slow "
        "each other down.",
        "No GPU was found here, so none was measured."
        if "cuda" not in training
        else "On the GPU the training jobs run one after the other; the cores do the rest.",
        f"Disk: datasets {storage(disk[0])}, pools {storage(disk[1])}, runs {storage(disk[2])}, "
        f"in all {storage(sum(disk))} (computed from the shapes).",
        f"Memory: at most {storage(most)} a training job on the CPU, {storage(abreast * most)} for "
        f"{abreast} at a time (measured: the peak of a process that trains for seconds; long runs "
        "grow somewhat).",
        "Left out: starting each job, making pools, logs and checkpoints of training, statistics, "
        "tables, figures"
        + ("." if config.behaviour == "frozen" else ", and training behaviour policies; data of "
           "untrained ones were timed with random actions."),
        *undecidable(config, len(config.suites), "suites"),
        *undecidable(config, len(config.competing) - 1, "methods"),
    ]  # fmt: skip
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _each(seconds: dict[str, float]) -> str:
    names = {"cpu": "the CPU", "cuda": "the GPU"}
    return ", ".join(f"{clock(value)} on {names[device]}" for device, value in seconds.items())


def storage(count: float) -> str:
    """A number of bytes in MiB or GiB."""
    return f"{count / 2**30:,.2f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"
