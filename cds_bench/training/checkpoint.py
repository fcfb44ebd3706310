"""Checkpoints of a training job. They are exact, atomic and fingerprinted, and two are kept."""

import contextlib
import hashlib
import io
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from cds_bench.errors import BenchError
from cds_bench.progress import say
from cds_bench.storage.files import atomic, write_json

KEPT = 2  # if the newest is damaged, the one before it replaces it
DIGEST = hashlib.sha256().digest_size  # bytes of the hash at the start of a checkpoint
SECONDS_BETWEEN_PROGRESS = 5.0


def save(folder: Path, mark: dict[str, Any], content: dict[str, Any]) -> None:
    """Writes the checkpoint of `content["step"]` and deletes all but the newest `KEPT`.

    The file begins with the SHA-256 of what follows, the output of torch.save. Torch itself loads a
    file with a flipped bit without any error.
    """
    buffer = io.BytesIO()
    torch.save({"mark": mark, "content": content}, buffer)
    with atomic(folder / f"{content['step']:012}.pt") as temporary, open(temporary, "wb") as file:
        file.write(hashlib.sha256(buffer.getbuffer()).digest())
        file.write(buffer.getbuffer())
    for path in _saved(folder)[KEPT:]:
        with contextlib.suppress(OSError):  # a folder of this name is not ours
            path.unlink()


def load(folder: Path, mark: dict[str, Any]) -> dict[str, Any] | None:
    """The newest undamaged checkpoint, on the CPU, or None if there is none.

    A damaged checkpoint is reported on standard error, and the one before it is loaded instead.
    Raises BenchError, which names the keys that differ, if the checkpoint belongs to another run
    than `mark`.
    """
    for path in _saved(folder):
        try:
            found = _read(path)
        except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            say(f"{path}: not readable ({reason}); it is ignored")
            continue
        if differing := differences(found["mark"], mark):
            raise BenchError(
                f"{path}: belongs to a run with another {', '.join(differing)}; delete {folder} to "
                "train from the first step, or undo the change to continue it"
            )
        return found["content"]
    return None


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint's mark and content. Raises ValueError if `save` did not write it."""
    data = memoryview(path.read_bytes())
    if hashlib.sha256(data[DIGEST:]).digest() != data[:DIGEST]:
        raise ValueError("its content is not what was saved")
    found = torch.load(io.BytesIO(data[DIGEST:]), map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not all(
        isinstance(found.get(part), dict) for part in ("mark", "content")
    ):
        raise ValueError("it holds no training state")
    if found["content"].get("step") != int(path.stem):
        raise ValueError(f"it is of step {found['content'].get('step')}, not of its name's")
    return found


def remove(folder: Path) -> None:
    """Deletes a complete run's checkpoints."""
    shutil.rmtree(folder, ignore_errors=True)


def differences(found: dict[str, Any], mark: dict[str, Any]) -> list[str]:
    """The keys in which a run on disk differs from the requested one."""
    return sorted(key for key in mark if found.get(key) != mark[key])


def _saved(folder: Path) -> list[Path]:
    """The checkpoints in a folder, newest first."""
    return sorted(folder.glob("[0-9]*.pt"), reverse=True)


class Keeper:
    """Saves a job's state every `seconds` and when the process is told to stop (SIGTERM, Ctrl-C).

    After such a signal it finishes the current step, saves, and ends the process with status
    128 + signal. Before the first step and after the last, all that counts is saved, so the
    process ends at once. A second Ctrl-C ends it at once too; a second SIGTERM changes nothing,
    because a batch system and the workflow may both send one. `progress` is a small file from
    which `cds-bench status` reads how far the job is.
    """

    def __init__(self, folder: Path, mark: dict[str, Any], progress: Path, seconds: float):
        self.folder, self.mark, self.progress, self.seconds = folder, mark, progress, seconds
        self.signal: int | None = None
        self.stepping = False
        self.saved = self.told = time.monotonic()

    def __enter__(self) -> "Keeper":
        self.before = {
            each: signal.signal(each, self._stop) for each in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *_) -> None:
        for each, handler in self.before.items():
            signal.signal(each, handler)

    def _stop(self, number: int, _frame) -> None:
        self.signal = number
        signal.signal(number, signal.SIG_IGN if number == signal.SIGTERM else signal.SIG_DFL)
        if not self.stepping:
            self._end("between steps")

    def after_step(
        self, step: int, last: bool, capture: Callable[[], dict], progress: Callable[[], dict]
    ) -> None:
        """Writes `capture()` as a checkpoint and `progress()` to its file when they are due.

        The state after the last step is always saved.
        """
        now = time.monotonic()
        if now - self.told >= SECONDS_BETWEEN_PROGRESS:
            self.told = now
            with contextlib.suppress(BenchError):  # a full disk: nobody can watch, no more
                write_json(self.progress, progress())
        stop = last or self.signal is not None  # a signal that comes later ends the next step
        if stop or now - self.saved >= self.seconds:
            save(self.folder, self.mark, capture())
            self.saved = time.monotonic()
        self.stepping = not last
        if stop and self.signal is not None:
            self._end(f"after step {step}")

    def _end(self, where: str) -> None:
        name = signal.Signals(self.signal).name
        say(f"stopped by {name} {where}; run the same command again to continue")
        sys.exit(128 + self.signal)
