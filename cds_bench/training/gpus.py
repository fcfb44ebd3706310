"""One training job for each GPU: a job holds a lock on its GPU until its process ends.

The locks are files in /tmp, one for each GPU of the machine, named after its UUID. `TMPDIR` does
not count, because it may differ between two jobs. When a job is killed, the system drops its lock.
Nothing here moves a number, so the fingerprint of training does not include this module.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import torch

from cds_bench.errors import BenchError
from cds_bench.progress import say
from cds_bench.storage.locks import attempt, holder
from cds_bench.training.device import resolve_device

FOLDER = Path("/tmp")
SECONDS_BETWEEN_LOOKS = 1.0

_held: list[IO[str]] = []


@contextlib.contextmanager
def alone(device: str) -> Iterator[None]:
    """Trains inside it on a GPU that no other training job uses, if `device` is a GPU.

    It waits until a GPU is free. Torch's "cuda" then is that GPU. The lock lasts until the process
    ends, because the process keeps the GPU's memory until then. Raises BenchError if the GPU's
    memory does not suffice.
    """
    if resolve_device(device) == "cpu":
        yield
        return
    if not _held:
        number, file = wait(visible())
        _held.append(file)
        use(number)
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise BenchError(
            f"the memory of the GPU does not suffice ({error}); lower seeds_per_job or "
            "training.batch_size"
        ) from error


def visible() -> list[str]:
    """The UUID of each GPU that torch sees, in its order."""
    count = torch.cuda.device_count()
    return [str(torch.cuda.get_device_properties(number).uuid) for number in range(count)]


def use(number: int) -> None:
    """Makes a GPU the one that "cuda" names."""
    torch.cuda.set_device(number)


def wait(uuids: list[str]) -> tuple[int, IO[str]]:
    """The index of the first free GPU and the file that keeps it locked. Waits if none is free."""
    paths = [FOLDER / f"cds-bench-gpu-{uuid}.lock" for uuid in uuids]
    said = False
    while True:
        for number, path in enumerate(paths):
            if file := attempt(path):
                return number, file
        if not said:
            said = True
            say(_waiting(paths))
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _waiting(paths: list[Path]) -> str:
    here = "the only GPU here is" if len(paths) == 1 else f"all {len(paths)} GPUs here are"
    holders = ", ".join(filter(None, map(holder, paths))) or "another user's process"
    return (
        f"waiting for a GPU: {here} in use by other training jobs ({holders}). This process, "
        f"{os.getpid()}, goes on when one is free. To start no more jobs than there are GPUs, call "
        f"snakemake --resources gpu={len(paths)}"
    )
