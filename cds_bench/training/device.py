"""The device that a job trains on, and how its memory is kept."""

import ctypes

import torch

from cds_bench.errors import BenchError


def hardware(device: str) -> str:
    """The device's name where it has one."""
    return device if device == "cpu" else torch.cuda.get_device_name()


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
