"""Training that is carried between machines in small files: checkpoints and finished runs.

Every file has at most LIMIT bytes. A larger one is cut into parts, and manifest.json holds the
SHA-256 of each. A checkpoint's snapshots never change once they are taken. They are therefore kept
in files of their own, and a piece of training adds only those that it took. With 10 seeds of the
paper's networks, a state without snapshots has 58.6 MiB and a snapshot 5.3 MiB.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from cds_bench.errors import BenchError
from cds_bench.storage.files import atomic, read_json, write_json

LIMIT = 15 * 2**20  # bytes
MANIFEST = "manifest.json"
STATE = "state"


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a folder: `step`, `finished`, `files` and notes; {} if nothing was carried.

    files: name -> [[part, SHA-256], ...].
    """
    path = folder / MANIFEST
    return read_json(path) if path.exists() else {}


def write_checkpoint(
    folder: Path, mark: dict[str, Any], content: dict[str, Any], notes: dict[str, Any]
) -> None:
    """Keeps a checkpoint (see `checkpoint.save`). Adds its new snapshots, replaces the state."""
    files = manifest_of(folder).get("files", {})
    taken, known = content["snapshots"], sum(name != STATE for name in files)
    found = {_snapshot(k): _bytes(taken[k]) for k in range(known, len(taken))}
    found[STATE] = _bytes({"mark": mark, "content": content | {"snapshots": []}})
    kept = {name: parts for name, parts in files.items() if name != STATE}
    _write(folder, found, kept, {**notes, "step": content["step"], "finished": False})


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mark and the content that `write_checkpoint` was given.

    Raises BenchError, with the file, if a part is missing or damaged.
    """
    files = manifest_of(folder)["files"]
    state = _tensors(_joined(folder, files[STATE]))
    names = sorted(name for name in files if name != STATE)
    snapshots = [_tensors(_joined(folder, files[name])) for name in names]
    return state["mark"], state["content"] | {"snapshots": snapshots}


def write_run(folder: Path, run: Path, notes: dict[str, Any]) -> None:
    """Keeps the files of a finished run in place of its checkpoint."""
    found = {path.name: path.read_bytes() for path in sorted(run.glob("[!.]*"))}
    _write(folder, found, {}, {**notes, "finished": True})


def place_run(folder: Path, run: Path) -> bool:
    """Writes the files of a finished run where it was trained, run.json last.

    Returns False if only its manifest was carried, which says that nothing is left to train.
    """
    files = manifest_of(folder)["files"]
    if not any((folder / part).exists() for parts in files.values() for part, _ in parts):
        return False
    for name in sorted(files, key=lambda name: name == "run.json"):
        with atomic(run / name) as temporary:
            temporary.write_bytes(_joined(folder, files[name]))
    return True


def _snapshot(number: int) -> str:
    return f"snapshot-{number:03}"


def _bytes(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _tensors(data: bytes) -> Any:
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _write(folder: Path, found: dict[str, bytes], kept: dict, notes: dict[str, Any]) -> None:
    """Writes files in parts, then the manifest, and then removes the parts of other files."""
    files = kept | {name: _cut(folder, name, data) for name, data in found.items()}
    write_json(folder / MANIFEST, {**notes, "files": files})
    current = {MANIFEST, *(part for parts in files.values() for part, _ in parts)}
    for path in folder.iterdir():
        if path.name not in current:
            path.unlink()


def _cut(folder: Path, name: str, data: bytes) -> list[list[str]]:
    """Writes one file in parts, whose names contain their hash. A killed writer thus harms none."""
    parts = []
    for first in range(0, max(len(data), 1), LIMIT):
        piece = data[first : first + LIMIT]
        digest = hashlib.sha256(piece).hexdigest()
        part = f"{name}.{len(parts):02}-{digest[:12]}"
        with atomic(folder / part) as temporary:
            temporary.write_bytes(piece)
        parts.append([part, digest])
    return parts


def _joined(folder: Path, parts: list[list[str]]) -> bytes:
    pieces = []
    for part, digest in parts:
        try:
            pieces.append((folder / part).read_bytes())
        except OSError as error:
            raise BenchError(
                f"{folder / part}: not readable ({error.strerror}); carry it"
            ) from None
        if hashlib.sha256(pieces[-1]).hexdigest() != digest:
            raise BenchError(f"{folder / part}: its content is not what was saved; carry it again")
    return b"".join(pieces)
