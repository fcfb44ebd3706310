"""The device that a job trains on, and the settings of the memory allocator."""

import ctypes
import resource

import torch

from cds_bench.errors import BenchError


def hardware(device: str) -> str:
    """The name of the GPU, or "cpu"."""
    return device if device == "cpu" else torch.cuda.get_device_name()


def resolve_device(device: str) -> str:
    """The device to use; "auto" is the GPU if there is one. Raises BenchError if it is missing."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise BenchError("training.device: is 'cuda', but torch finds no GPU; use 'auto'")
    return device if device != "auto" else ("cuda" if available else "cpu")


def peak_bytes(device: str) -> int:
    """The peak memory of this process: on the GPU if it trains there, else the main memory."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def keep_freed_memory() -> None:
    """Makes glibc keep freed memory instead of returning it to the system after every step.

    A step allocates tens of megabytes of activations. If they are mapped again in each step, every
    4 KiB cost a page fault, in total a fifth of a step's time on two cores. This has no effect with
    other C libraries.
    """
    mmap_threshold, trim_threshold = -3, -1
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_threshold, 2**30)
        libc.mallopt(trim_threshold, 2**31 - 1)
