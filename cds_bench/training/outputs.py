"""The files that a training job writes: policies, metrics, timing, shift, and run.json."""

import json
import platform
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from cds_bench.algorithms.encoder import CONVOLUTIONS
from cds_bench.dataset.pool import Pool
from cds_bench.storage.files import atomic, write_csv, write_json
from cds_bench.storage.seals import POLICIES, hashes
from cds_bench.storage.versions import now, processor, versions
from cds_bench.training.device import hardware
from cds_bench.training.loop import Job, Result


def inputs(pool: Pool) -> dict[str, Tensor]:
    """How the policies see observations: their normalisation, or the strides of the encoder."""
    if pool.pictures:
        return {"encoder_strides": torch.tensor([each.stride for each in CONVOLUTIONS])}
    return {
        "observation_mean": torch.from_numpy(pool.observation_mean),
        "observation_scale": torch.from_numpy(pool.observation_scale),
    }


def write(
    folder: Path,
    job: Job,
    pool: Pool,
    result: Result,
    moved: pd.DataFrame,
    mark: dict[str, Any],
    code: str,
) -> None:
    """Writes the files of a run, run.json last. `moved` is the table of `divergence.measure`."""
    state, taken = result.state, len(next(iter(result.policies.values())))
    critic = state.learner.critic
    tensors: dict[str, Tensor] = {
        **result.policies,
        **{f"critic_{name}": value.detach().cpu() for name, value in critic.items()},
        **inputs(pool),
        "steps": torch.tensor(mark["snapshot_steps"][:taken]),
        "seeds": torch.tensor(job.seeds),
    }
    # There is only one metadata key, because safetensors does not keep the order of several, and
    # the same run must give the same bytes.
    metadata = {"run": json.dumps({"tasks": pool.tasks, "pool": pool.sha256}, sort_keys=True)}
    with atomic(folder / POLICIES) as temporary:
        save_file(tensors, temporary, metadata)
    write_csv(folder / "metrics.csv", result.metrics)
    write_csv(folder / "timing.csv", result.timing)
    write_csv(folder / "shift.csv", moved)
    names = ("metrics.csv", "timing.csv", "shift.csv")
    packages = ("torch", "numpy", "safetensors", "h5py")
    write_json(
        folder / "run.json",
        {
            "fingerprint": mark,
            "code": code,
            "seeds": job.seeds,
            "failures": state.recorder.failed,
            "sha256": hashes(**{name: folder / name for name in (POLICIES, *names)}),
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
