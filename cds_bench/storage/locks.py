"""Locks of one process at a time, on a folder's files or on a device. They end with the process."""

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
    path = folder / ".claim"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closing it ends the claim)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be written ({error.strerror})") from error
    if not _locked(file):
        raise BenchError(f"{folder}: {use} by process {holder(path)}; wait for it or stop it")
    return file


def attempt(path: Path) -> IO[str] | None:
    """Locks a file that every user of this machine may lock. None if another process holds it.

    The lock ends when the returned file is closed or the process ends. The file remains. Raises
    BenchError if it can't be opened.
    """
    try:
        file = _shared(path)
    except OSError as error:
        raise BenchError(f"{path}: cannot be locked ({error.strerror})") from error
    if _locked(file):
        return file
    file.close()
    return None


def holder(path: Path) -> str:
    """The process that holds a lock, "<pid> on <host>"; "" if its file does not say."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _shared(path: Path) -> IO[str]:
    """Opens a file that all users may write, and makes it if there is none.

    An existing file is opened without O_CREAT: in a folder such as /tmp, Linux refuses that flag
    for a file of another user.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        try:
            handle = os.open(path, flags | os.O_CREAT | os.O_EXCL)
            os.fchmod(handle, 0o666)  # whatever the umask is
        except FileExistsError:  # made in the meantime
            handle = os.open(path, flags)
    return open(handle, "r+", encoding="utf-8")


def _locked(file: IO[str]) -> bool:
    """Locks an open file and writes into it who holds it; False if another process does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    file.truncate(0)
    file.write(f"{os.getpid()} on {socket.gethostname()}")
    file.flush()
    return True


def hold(folder: Path, use: str) -> None:
    """Claims a folder for as long as this process lives."""
    _held.append(claim(folder, use))
