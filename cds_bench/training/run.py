"""A training job as files: pool in; policies, metrics and provenance out."""

import ctypes
import json
import os
import platform
import socket
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from cds_bench import paths, plugins
from cds_bench.claims import claim
from cds_bench.config import Config, options
from cds_bench.dataset.pool import Pool, load_pool
from cds_bench.errors import BenchError
from cds_bench.files import atomic, read_json, remove_temporaries, write_csv, write_json
from cds_bench.fingerprint import fingerprint
from cds_bench.snapshots import snapshot_steps
from cds_bench.training import checkpoint, shift
from cds_bench.training.loop import Job, Result, State, capture, device_pool, train
from cds_bench.versions import now, processor, versions

PROGRESS = ".progress.json"


def identity(config: Config, suite: str, algorithm: str, sharing: str, pool: str) -> dict:
    """What decides a run's result: two runs that agree in all of it are the same run."""
    return {
        "suite": suite,
        "algorithm": {algorithm: plugins.own_options(config.algorithms[algorithm])},
        "sharing": {sharing: config.sharing[sharing]},
        "training": json.loads(config.training.model_dump_json(exclude={"device", "threads"})),
        "snapshot_steps": snapshot_steps(config),
        "pool": pool,
    }


def exact_identity(mark: dict, job: Job, threads: int) -> dict:
    """What decides a run's bytes: a checkpoint is of the same code, torch and device too."""
    modules = ("cds_bench.training.run", job.algorithm.__name__, job.strategy.__name__)
    return mark | {
        "seeds": job.seeds,
        "code": fingerprint(*modules),
        "torch": str(torch.__version__),
        "device": hardware(job.device),
        "threads": threads,
    }


def run(
    config: Config, suite: str, algorithm: str, sharing: str, seeds: str, save_every: float = 60.0
) -> None:
    """Trains the seeds "<first>-<last>" together and writes the run's folder.

    Saves a checkpoint every `save_every` seconds and when told to stop; the same call goes on from
    it, to the same bytes. Refuses, with the differing keys, when the folder holds a finished run,
    or a checkpoint, of another configuration or pool, and when another process trains this run.
    """
    key = (suite, algorithm, sharing, seeds)
    folder, checkpoints = paths.run(config, *key), paths.checkpoints(config, *key)
    pool = load_pool(paths.pool(config, suite))
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
                state.step, lambda: capture(state), lambda: watched(job, state)
            ),
        )
        moved = shift.measure(job, on_device, result.state, config.training.shift_steps)
        write(folder, job, pool, result, moved, mark, exact["code"])
        progress.unlink(missing_ok=True)
        checkpoint.remove(checkpoints)


def make_job(
    config: Config, suite: str, algorithm: str, sharing: str, seeds: str, tasks: tuple[str, ...]
) -> Job:
    """The job that a configuration asks for, its plug-ins loaded and their options checked."""
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
    )


def watched(job: Job, state: State) -> dict[str, Any]:
    """What `cds-bench status` shows of a run that goes on."""
    return {
        "step": state.step,
        "steps": job.steps,
        "seconds": round(state.seconds, 1),
        "steps_per_second": round(state.rate, 2),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "updated": time.time(),
    }


def refuse_other(folder: Path, mark: dict) -> None:
    """Raises BenchError when `folder` holds a finished run of another identity."""
    if not (folder / "run.json").exists():
        return
    found = read_json(folder / "run.json").get("fingerprint", {})
    if differing := checkpoint.differences(found, mark):
        raise BenchError(
            f"{folder}: holds a run with another {', '.join(differing)}; delete the folder to "
            "train again, or choose another profile name to keep both"
        )


def write(
    folder: Path,
    job: Job,
    pool: Pool,
    result: Result,
    moved: pd.DataFrame,
    mark: dict[str, Any],
    code: str,
) -> None:
    """Writes the files of a run, run.json last; `moved` is what `shift.measure` found."""
    state, taken = result.state, len(next(iter(result.policies.values())))
    critic = state.learner.critic
    tensors: dict[str, Tensor] = {
        **result.policies,
        **{f"critic_{name}": value.detach().cpu() for name, value in critic.items()},
        "observation_mean": torch.from_numpy(pool.observation_mean),
        "observation_scale": torch.from_numpy(pool.observation_scale),
        "steps": torch.tensor(mark["snapshot_steps"][:taken]),
        "seeds": torch.tensor(job.seeds),
    }
    # One metadata key: safetensors does not keep the order of several, and bytes must repeat.
    metadata = {"run": json.dumps({"tasks": pool.tasks, "pool": pool.sha256}, sort_keys=True)}
    with atomic(folder / "policies.safetensors") as temporary:
        save_file(tensors, temporary, metadata)
    write_csv(folder / "metrics.csv", result.metrics)
    write_csv(folder / "timing.csv", result.timing)
    write_csv(folder / "shift.csv", moved)
    packages = ("torch", "numpy", "safetensors", "h5py")
    write_json(
        folder / "run.json",
        {
            "fingerprint": mark,
            "code": code,
            "seeds": job.seeds,
            "failures": state.recorder.failed,
            "resolved": {
                "algorithm": vars(job.algorithm_config),
                "sharing": vars(job.strategy_config),
            },
            "versions": versions(*packages) | {"python": platform.python_version()},
            "hardware": {
                "machine": platform.machine(),
                "processor": processor(),
                "device": hardware(job.device),
                "threads": torch.get_num_threads(),
            },
            "started": state.started,
            "ended": now(),
            "wall_seconds": round(state.seconds, 1),
            "steps_per_second": round(state.step / state.seconds, 2),
            "interruptions": state.interruptions,
            "peak_memory_mib": round(state.peak_bytes / 2**20),
        },
    )


def hardware(device: str) -> str:
    """The device's name where it has one."""
    return device if device == "cpu" else torch.cuda.get_device_name()


def parse_seeds(seeds: str) -> list[int]:
    """[first, ..., last] of "<first>-<last>"."""
    first, dash, last = seeds.partition("-")
    if not (dash and first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise BenchError(f"--seeds: '{seeds}' is not of the form <first>-<last>, for example 0-2")
    return list(range(int(first), int(last) + 1))


def resolve_device(device: str) -> str:
    """auto: the GPU where there is one."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise BenchError("training.device: 'cuda' is asked for, and torch finds no GPU; use 'auto'")
    return device if device != "auto" else ("cuda" if available else "cpu")


def keep_freed_memory() -> None:
    """Has glibc keep freed memory instead of returning it to the system after every step.

    A step allocates tens of megabytes of activations; mapping them anew each time costs a page
    fault per 4 KiB, a fifth of a step on two cores. No effect on other C libraries.
    """
    mmap_threshold, trim_threshold = -3, -1
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_threshold, 2**30)
        libc.mallopt(trim_threshold, 2**31 - 1)
