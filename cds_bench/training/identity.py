"""When two training jobs are the same: what determines a run's result and its bytes."""

import json
from pathlib import Path

import torch

from cds_bench.config import Config, plugins
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.errors import BenchError
from cds_bench.storage.files import read_json
from cds_bench.storage.fingerprint import fingerprint
from cds_bench.training import checkpoint
from cds_bench.training.device import hardware
from cds_bench.training.loop import Job


def identity(config: Config, suite: str, algorithm: str, sharing: str, pool: str) -> dict:
    """What determines a run's result. Two runs that agree in all of it are the same run."""
    return {
        "suite": suite,
        "algorithm": {algorithm: plugins.own_options(config.algorithms[algorithm])},
        "sharing": {sharing: config.sharing[sharing]},
        "training": json.loads(config.training.model_dump_json(exclude={"device", "threads"})),
        "snapshot_steps": snapshot_steps(config),
        "pool": pool,
    }


def exact_identity(mark: dict, job: Job, threads: int) -> dict:
    """What determines a run's bytes. Checkpoints must also agree in code, torch and device."""
    modules = ("cds_bench.training.run", job.algorithm.__name__, job.strategy.__name__)
    return mark | {
        "seeds": job.seeds,
        "code": fingerprint(*modules),
        "torch": str(torch.__version__),
        "device": hardware(job.device),
        "threads": threads,
    }


def refuse_other(folder: Path, mark: dict) -> None:
    """Raises BenchError if `folder` holds a finished run with another identity."""
    if not (folder / "run.json").exists():
        return
    found = read_json(folder / "run.json").get("fingerprint", {})
    if differing := checkpoint.differences(found, mark):
        raise BenchError(
            f"{folder}: holds a run with another {', '.join(differing)}; delete the folder to "
            "train again, or choose another profile name to keep both"
        )
