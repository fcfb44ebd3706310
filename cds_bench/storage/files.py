"""Atomic writes and hashes: a file that exists is complete."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError

from cds_bench.errors import BenchError

UMASK = os.umask(0o022)  # it can be read only by setting it
os.umask(UMASK)


@contextlib.contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yields a temporary path beside `path`. On success, the file is synced and renamed to `path`.

    On any error, the temporary file is removed and `path` stays as it was. A full disk and other
    failures of the system become a BenchError that names the file.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    except OSError as error:
        raise BenchError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~UMASK)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except (OSError, SafetensorError) as error:  # safetensors wraps the system's errors in its own
        reason = getattr(error, "strerror", None) or error
        raise BenchError(
            f"{path}: not written ({reason}); nothing was left half-written. "
            "Free space or choose another folder and run the same command again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a folder's names survive a power cut, as fsync does for a file's content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_temporaries(folder: Path) -> None:
    """Removes the files that killed writers left in a folder. This process must have claimed it."""
    for path in folder.glob(".*-????????.*"):
        path.unlink()


def write_json(path: Path | str, value: Any) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_text(path: Path | str, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: Path | str, table: pd.DataFrame) -> None:
    """Writes a table as `csv_text`."""
    with atomic(path) as temporary:
        temporary.write_text(csv_text(table), encoding="utf-8")


def csv_text(table: pd.DataFrame) -> str:
    """A table without its index. Floats have nine significant digits, enough for float32."""
    return table.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def read_json(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BenchError(f"{path}: no such file; run the stage that writes it first") from error
    except OSError as error:
        raise BenchError(f"{path}: not readable ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        raise BenchError(
            f"{path}: not valid JSON ({error}); delete it to have it made again"
        ) from error


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"{path}: not readable ({error.strerror or error})") from error
