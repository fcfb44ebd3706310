"""Checkpoints of a training job: exact, atomic, fingerprinted, at most two of them."""

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
from cds_bench.storage.files import atomic, write_json

KEPT = 2  # should the newest be damaged, the one before it is whole
DIGEST = hashlib.sha256().digest_size  # bytes of the hash that a checkpoint begins with
SECONDS_BETWEEN_PROGRESS = 5.0


def save(folder: Path, mark: dict[str, Any], content: dict[str, Any]) -> None:
    """Writes the checkpoint of `content["step"]` and drops all but the newest `KEPT`.

    The file is the SHA-256 of the rest, then what torch.save writes: torch itself loads a file with
    a flipped bit and says nothing.
    """
    buffer = io.BytesIO()
    torch.save({"mark": mark, "content": content}, buffer)
    with atomic(folder / f"{content['step']:012}.pt") as temporary, open(temporary, "wb") as file:
        file.write(hashlib.sha256(buffer.getbuffer()).digest())
        file.write(buffer.getbuffer())
    for path in _saved(folder)[KEPT:]:
        path.unlink()


def load(folder: Path, mark: dict[str, Any]) -> dict[str, Any] | None:
    """The newest checkpoint that is whole, on the CPU; None where there is none.

    One that is damaged is named on standard error, and the one before it is taken.
    Raises BenchError, with the keys that differ, when it is of another run than `mark`.
    """
    for path in _saved(folder):
        try:
            found = _read(path)
        except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"{path}: not readable ({reason}); it is ignored", file=sys.stderr)
            continue
        if differing := differences(found["mark"], mark):
            raise BenchError(
                f"{path}: belongs to a run with another {', '.join(differing)}; delete {folder} to "
                "train from the first step, or undo the change to continue it"
            )
        return found["content"]
    return None


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint's mark and content. Raises ValueError for one that `save` did not write."""
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
    """Complete checkpoints, newest first."""
    return sorted(folder.glob("[0-9]*.pt"), reverse=True)


class Keeper:
    """Saves a job's state every `seconds` and when the process is told to stop (SIGTERM, Ctrl-C).

    After such a signal it finishes the current step, saves, and ends the process with status
    128 + signal. A second signal ends the process at once. `progress` is a small file from which
    `cds-bench status` reads how far the job is.
    """

    def __init__(self, folder: Path, mark: dict[str, Any], progress: Path, seconds: float):
        self.folder, self.mark, self.progress, self.seconds = folder, mark, progress, seconds
        self.signal: int | None = None
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
        signal.signal(number, signal.SIG_DFL)

    def after_step(
        self, step: int, capture: Callable[[], dict], progress: Callable[[], dict]
    ) -> None:
        """Writes `capture()` as a checkpoint and `progress()` to its file when they are due."""
        now = time.monotonic()
        if now - self.told >= SECONDS_BETWEEN_PROGRESS:
            self.told = now
            with contextlib.suppress(BenchError):  # a full disk: nobody can watch, no more
                write_json(self.progress, progress())
        if self.signal is None and now - self.saved < self.seconds:
            return
        save(self.folder, self.mark, capture())
        self.saved = time.monotonic()
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            print(
                f"stopped by {name} after step {step}; run the same command again to continue",
                file=sys.stderr,
            )
            sys.exit(128 + self.signal)

    def complete(self) -> None:
        """Deletes the checkpoints of a complete run, unless the process was told to stop meanwhile.

        Snakemake was then told to stop as well, and deletes what the run has written. Training goes
        on from the last checkpoint. Ends the process as `after_step` does.
        """
        if self.signal is not None:
            sys.exit(128 + self.signal)
        remove(self.folder)
