"""The GPUs of this machine and their memory, without loading torch into this process."""

import subprocess
import sys
from pathlib import Path

DEVICES = Path("/dev")
DRIVERS = ("nvidia[0-9]*", "dxg")  # the files of NVIDIA's driver, and of its driver in WSL
ASK = """
import torch
for number in range(torch.cuda.device_count()):
    print(torch.cuda.get_device_properties(number).total_memory)
"""
LONGEST = 120.0  # seconds; torch can take tens of them to load from a slow disk


def memory() -> list[int]:
    """The bytes of memory of each GPU that torch finds here.

    Torch is asked in another process, because loading it takes seconds. Where no driver of a GPU is
    installed, it isn't asked at all.
    """
    if not driver():
        return []
    try:
        asked = subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, timeout=LONGEST
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [int(line) for line in asked.stdout.split()] if asked.returncode == 0 else []


def driver() -> bool:
    """Whether there are files of a GPU's driver."""
    return any(any(DEVICES.glob(name)) for name in DRIVERS)
