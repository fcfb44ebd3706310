"""A training job as files: pool in; policies, metrics and provenance out."""

import ctypes
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from cds_bench import paths, plugins
from cds_bench.config import Config, options
from cds_bench.dataset.pool import Pool, load_pool
from cds_bench.errors import BenchError
from cds_bench.files import atomic, read_json, write_csv, write_json
from cds_bench.training.data import to_device
from cds_bench.training.loop import Job, Result, train
from cds_bench.versions import versions


def snapshot_steps(config: Config) -> list[int]:
    """The steps whose policies are kept: an even grid for the curves, then the final snapshots.

    The grid covers [0, 0.9 steps); the final snapshots are even over [0.9 steps, steps].
    """
    steps, protocol = config.training.steps, config.protocol
    curve = {round(steps * k / protocol.curve_snapshots) for k in range(protocol.curve_snapshots)}
    tail, count = steps / 10, protocol.final_snapshots
    final = {round(steps - tail * k / max(count - 1, 1)) for k in range(count)}
    if len(final) < count:
        raise BenchError(
            f"training.steps: {steps} are too few for {count} final snapshots in the last tenth"
        )
    return sorted({step for step in curve if step < steps - tail} | final)


def fingerprint(config: Config, suite: str, algorithm: str, sharing: str, pool: str) -> dict:
    """What decides a run's result: two runs that agree in all of it are the same run."""
    return {
        "suite": suite,
        "algorithm": {algorithm: config.algorithms[algorithm]},
        "sharing": {sharing: config.sharing[sharing]},
        "training": json.loads(config.training.model_dump_json(exclude={"device", "threads"})),
        "snapshot_steps": snapshot_steps(config),
        "pool": pool,
    }


def run(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> None:
    """Trains the seeds "<first>-<last>" together and writes the run's folder.

    Refuses, with the differing keys, when the folder holds a finished run of another
    configuration or pool; a run that is interrupted leaves no declared output behind.
    """
    folder = paths.run(config, suite, algorithm, sharing, seeds)
    pool = load_pool(paths.pool(config, suite))
    mark = fingerprint(config, suite, algorithm, sharing, pool.sha256)
    refuse_other(folder, mark)
    torch.set_num_threads(config.training.threads)
    keep_freed_memory()
    device = resolve_device(config.training.device)
    job = Job(
        suite=suite,
        tasks=pool.tasks,
        algorithm=plugins.load("algorithms", algorithm),
        algorithm_name=algorithm,
        algorithm_config=options("algorithms", algorithm, config.algorithms[algorithm]),
        strategy=plugins.load("sharing", sharing),
        strategy_config=options("sharing", sharing, config.sharing[sharing]),
        seeds=parse_seeds(seeds),
        steps=config.training.steps,
        batch_size=config.training.batch_size,
        hidden=config.training.hidden,
        device=device,
    )
    began = time.perf_counter()
    steps = snapshot_steps(config)
    result = train(job, to_device(pool, device), config.training.log_points, steps)
    write(folder, job, pool, result, mark, time.perf_counter() - began)


def refuse_other(folder: Path, mark: dict) -> None:
    """Raises BenchError when `folder` holds a run with another fingerprint."""
    if not (folder / "run.json").exists():
        return
    found = read_json(folder / "run.json").get("fingerprint", {})
    differing = sorted(key for key in mark if found.get(key) != mark[key])
    if differing:
        raise BenchError(
            f"{folder}: holds a run with another {', '.join(differing)}; delete the folder to "
            "train again, or choose another profile name to keep both"
        )


def write(
    folder: Path, job: Job, pool: Pool, result: Result, mark: dict[str, Any], seconds: float
) -> None:
    """Writes the four files of a run; run.json last."""
    tensors: dict[str, Tensor] = {
        **result.policies,
        "observation_mean": torch.from_numpy(pool.observation_mean),
        "observation_scale": torch.from_numpy(pool.observation_scale),
        "steps": torch.tensor(mark["snapshot_steps"]),
        "seeds": torch.tensor(job.seeds),
    }
    # One metadata key: safetensors does not keep the order of several, and bytes must repeat.
    metadata = {"run": json.dumps({"tasks": pool.tasks, "pool": pool.sha256}, sort_keys=True)}
    with atomic(folder / "policies.safetensors") as temporary:
        save_file(tensors, temporary, metadata)
    write_csv(folder / "metrics.csv", result.metrics)
    write_csv(folder / "timing.csv", result.timing)
    packages = ("torch", "numpy", "safetensors", "h5py")
    write_json(
        folder / "run.json",
        {
            "fingerprint": mark,
            "seeds": job.seeds,
            "resolved": {
                "algorithm": vars(job.algorithm_config),
                "sharing": vars(job.strategy_config),
            },
            "versions": versions(*packages) | {"python": platform.python_version()},
            "hardware": {
                "machine": platform.machine(),
                "device": job.device if job.device == "cpu" else torch.cuda.get_device_name(),
                "threads": torch.get_num_threads(),
            },
            "wall_seconds": round(seconds, 1),
            "steps_per_second": round(job.steps / seconds, 2),
        },
    )


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
