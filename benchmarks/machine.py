"""The machine on which the numbers were measured."""

import os
import platform
from pathlib import Path

import torch

from cds_bench.storage.versions import versions
from cds_bench.training.device import hardware

# The instructions that determine the speed of matrix products.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")


def describe(device: str, threads: int) -> dict[str, str]:
    """Device, processor and versions as text."""
    processor = _cpuinfo()
    flags = processor.get("flags", "").split()
    found = {
        "processor": processor.get("model name", platform.processor() or platform.machine()),
        "cores": str(os.cpu_count()),
        "instructions": ", ".join(flag for flag in FLAGS if flag in flags) or "unknown",
        "threads of each contender": str(threads),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if device != "cpu":
        found = {"GPU": f"{hardware(device)}, CUDA {torch.version.cuda}", **found}
    return found | versions("torch", "numpy")


def _cpuinfo() -> dict[str, str]:
    """The first processor of /proc/cpuinfo, or nothing if there is no such file."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text().split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
