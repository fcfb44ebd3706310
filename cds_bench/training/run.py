"""A training job with its files: it reads a pool and writes policies, metrics and provenance."""

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import torch

from cds_bench.algorithms import encoder
from cds_bench.config import Config, options, plugins
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.dataset.pool import load_pool
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import remove_temporaries
from cds_bench.storage.locks import claim
from cds_bench.training import checkpoint, divergence
from cds_bench.training.device import keep_freed_memory, resolve_device
from cds_bench.training.identity import exact_identity, identity, refuse_other
from cds_bench.training.loop import Job, State, capture, device_pool, train
from cds_bench.training.outputs import write

PROGRESS = ".progress.json"


def run(
    config: Config, suite: str, algorithm: str, sharing: str, seeds: str, save_every: float = 60.0
) -> None:
    """Trains the seeds "<first>-<last>" together and writes the run's folder.

    Saves a checkpoint every `save_every` seconds and when told to stop. The same call then goes on
    from the checkpoint and writes the same bytes as an uninterrupted run. Raises BenchError, with
    the keys that differ, if the folder holds a finished run or a checkpoint of another
    configuration or pool. Also raises BenchError if another process trains this run.
    """
    key = (suite, algorithm, sharing, seeds)
    folder, checkpoints = paths.run(config, *key), paths.checkpoints(config, *key)
    pool = load_pool(path := paths.pool(config, suite))
    if pool.pictures:
        _check_encoder(path, pool.observations.shape[1:])
    mark = identity(config, suite, algorithm, sharing, pool.sha256)
    refuse_other(folder, mark)
    torch.set_num_threads(config.training.threads)
    keep_freed_memory()
    job = make_job(config, *key, pool.tasks)
    exact = exact_identity(mark, job, config.training.threads)
    progress = folder / PROGRESS
    with (
        claim(folder, f"run {'/'.join(key)} is being trained"),
        checkpoint.Keeper(checkpoints, exact, progress, save_every) as keeper,
    ):
        for place in (folder, checkpoints):
            remove_temporaries(place)
        on_device = device_pool(job, pool)
        result = train(
            job,
            on_device,
            config.training.log_points,
            snapshot_steps(config),
            checkpoint.load(checkpoints, exact),
            lambda state: keeper.after_step(
                state.step,
                state.step == job.steps,
                lambda: capture(state),
                lambda: watched(job, state),
            ),
        )
        moved = divergence.measure(job, on_device, result.state, config.training.shift_steps)
        write(folder, job, pool, result, moved, mark, exact["code"])
        with contextlib.suppress(OSError):  # nobody needs it any more
            progress.unlink()
        checkpoint.remove(checkpoints)


def _check_encoder(path: Path, picture: tuple[int, int, int]) -> None:
    """Raises BenchError, with the pool's file, if the encoder can't take such pictures."""
    try:
        encoder.layers(picture)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None


def make_job(
    config: Config, suite: str, algorithm: str, sharing: str, seeds: str, tasks: tuple[str, ...]
) -> Job:
    """The job of a configuration. Its plug-ins are loaded and their options are checked."""
    return Job(
        suite=suite,
        tasks=tasks,
        algorithm=plugins.load("algorithms", config.module("algorithms", algorithm)),
        algorithm_name=config.module("algorithms", algorithm),
        algorithm_config=options("algorithms", algorithm, config.algorithms[algorithm]),
        strategy=plugins.load("sharing", config.module("sharing", sharing)),
        strategy_config=options("sharing", sharing, config.sharing[sharing]),
        seeds=parse_seeds(seeds),
        steps=config.training.steps,
        batch_size=config.training.batch_size,
        hidden=config.training.hidden,
        layer_norm=config.training.layer_norm,
        learning_rate_decay=config.training.learning_rate_decay,
        device=resolve_device(config.training.device),
        augmentation=config.training.augmentation,
    )


def watched(job: Job, state: State) -> dict[str, Any]:
    """What `cds-bench status` shows of a run in progress."""
    return {
        "step": state.step,
        "steps": job.steps,
        "seconds": round(state.seconds, 1),
        "steps_per_second": round(state.rate, 2),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "updated": time.time(),
    }


def parse_seeds(seeds: str) -> list[int]:
    """[first, ..., last] from "<first>-<last>"."""
    first, dash, last = seeds.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise BenchError(f"--seeds: '{seeds}' is not of the form <first>-<last>, for example 0-2")
    return list(range(int(first), int(last) + 1))
