"""How many seeds a job trains together, if the profile leaves it open (`seeds_per_job: auto`).

The number is part of the names of files. So it is chosen once for a results folder and kept there
(`paths.stacking`). All later processes read it, on whatever machine they are.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cds_bench.config import Config
from cds_bench.config.sections import Seeds
from cds_bench.errors import BenchError
from cds_bench.planning import gpus, memory
from cds_bench.storage import paths, seals
from cds_bench.storage.files import write_json

ON_CPU = 5  # more seeds in a stack gain little there, and several jobs use several cores
USABLE = 0.8  # of a GPU's memory


class Kept(seals.Record):
    """The number that was chosen for a results folder, and why."""

    seeds_per_job: Seeds
    reason: str


@dataclass(frozen=True)
class Choice:
    """The number of seeds per job, and why if it was chosen. `new` if it is still to be kept."""

    seeds_per_job: int
    reason: str = ""
    new: bool = False

    def __str__(self) -> str:
        return f"{self.seeds_per_job} ({self.reason or 'the profile says so'})"


def stack(seeds: int, bytes_per_seed: int, fixed_bytes: int, available: float) -> int:
    """The largest divisor of `seeds` whose stack fits the available bytes; 1 if none does."""
    return largest_divisor(seeds, (available - fixed_bytes) / bytes_per_seed)


def largest_divisor(number: int, limit: float) -> int:
    """The largest divisor of a number that is at most `limit`, or 1."""
    return max((n for n in range(1, number + 1) if number % n == 0 and n <= limit), default=1)


def settle(config: Config) -> tuple[Config, Choice]:
    """The configuration with its number of seeds per job, and where that number comes from.

    Nothing is written. Raises BenchError if runs exist whose groups do not divide the seeds.
    """
    choice = choose(config)
    return config.model_copy(update={"seeds_per_job": choice.seeds_per_job}), choice


def choose(config: Config) -> Choice:
    """The number in the profile, or the kept one, or that of existing runs, or a new one."""
    if config.seeds_per_job != "auto":
        return Choice(config.seeds_per_job)
    kept, trained = read(config), group_sizes(config.folder)
    if kept and config.seeds % kept.seeds_per_job == 0:
        return Choice(kept.seeds_per_job, kept.reason)
    if trained:
        size = kept.seeds_per_job if kept else trained.most_common(1)[0][0]
        _check_whole(config, size)
        return Choice(size, f"the runs in {config.folder} were trained so", new=True)
    return fresh(config)


def fresh(config: Config) -> Choice:
    """A new choice for this machine."""
    devices = {config.of(suite).training.device for suite in config.suites}
    found = gpus.memory() if devices != {"cpu"} else []
    if found:
        return Choice(*on_gpu(config, min(found)), new=True)
    if "cuda" in devices:
        reason = "training.device is 'cuda', and there is no GPU here whose memory could be asked"
        return Choice(config.seeds, reason, new=True)
    number = largest_divisor(config.seeds, ON_CPU)
    where = "training.device is 'cpu'" if devices == {"cpu"} else "torch finds no GPU here"
    reason = f"{where}, so it is the largest divisor of seeds up to {ON_CPU}"
    return Choice(number, reason, new=True)


def on_gpu(config: Config, total: int) -> tuple[int, str]:
    """The number of seeds that fit a GPU with `total` bytes in every suite, and why."""
    needs = [
        (memory.per_seed(config, suite, algorithm), memory.fixed(config, suite))
        for suite in config.suites
        for algorithm in config.algorithms
    ]
    number = min(stack(config.seeds, each, fixed, USABLE * total) for each, fixed in needs)
    most = max(fixed + number * each for each, fixed in needs)
    return number, (
        f"{number} of {config.seeds} seeds need an estimated {most / 2**30:.1f} GiB of the GPU's "
        f"{total / 2**30:.1f} GiB, of which {USABLE:.0%} are used"
    )


def keep(config: Config, choice: Choice) -> None:
    """Keeps a new choice in the results folder.

    Raises BenchError if another process has kept another number in the meantime.
    """
    if not choice.new:
        return
    kept = read(config)
    other = kept and kept.seeds_per_job != choice.seeds_per_job
    if other and config.seeds % kept.seeds_per_job == 0:
        raise BenchError(
            f"{paths.stacking(config)}: another process has just chosen {kept.seeds_per_job} seeds "
            "per job; run the same command again"
        )
    values = {"seeds_per_job": choice.seeds_per_job, "reason": choice.reason}
    write_json(paths.stacking(config), values)


def read(config: Config) -> Kept | None:
    """The kept choice of a results folder, if there is one."""
    path = paths.stacking(config)
    return seals.read_record(path, Kept) if path.exists() else None


def group_sizes(folder: Path) -> Counter[int]:
    """The group sizes of a folder's runs, finished or with a checkpoint, and the runs of each."""
    sizes: Counter[int] = Counter()
    for pattern in ("runs/*/*/*/seeds*/run.json", "checkpoints/*/*/*/seeds*/*.pt"):
        for path in folder.glob(pattern):
            if found := re.fullmatch(r"seeds(\d+)-(\d+)", path.parent.name):
                sizes[int(found[2]) - int(found[1]) + 1] += 1
    return sizes


def _check_whole(config: Config, size: int) -> None:
    """Raises BenchError if the seeds are not whole groups of the runs that exist."""
    if config.seeds % size == 0:
        return
    up = -(-config.seeds // size) * size
    raise BenchError(
        f"seeds: {config.seeds} is not a multiple of {size}, the seeds per job of the runs in "
        f"{config.folder}; use {up} seeds, or train all of them again in other groups with "
        f"seeds_per_job: {config.seeds}"
    )
