"""Claims on folders, so that only one process at a time writes a folder's files."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from cds_bench.errors import BenchError

_held: list[IO[str]] = []


def claim(folder: Path, use: str) -> IO[str]:
    """Claims a folder for this process until the returned file is closed or the process ends.

    Raises BenchError, "<folder>: <use> by process <pid> on <host>", if another process holds it.
    When a process is killed, the operating system drops its claim. Nobody has to unlock anything by
    hand.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".claim", "a+", encoding="utf-8")  # noqa: SIM115 (closing it ends the claim)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise BenchError(
            f"{folder}: {use} by process {file.read().strip()}; wait for it or stop it"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def hold(folder: Path, use: str) -> None:
    """Claims a folder for as long as this process lives."""
    _held.append(claim(folder, use))
