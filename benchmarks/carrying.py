"""Training that is carried between machines in small files: checkpoints and finished runs.

A folder holds the files of one training in parts of at most LIMIT bytes, and manifest.json with the
SHA-256 of each part. There are three kinds of files: the state, from which training continues; the
snapshots of the policies; and the run, once it is finished.

Snapshots never change, so each piece of training only adds a file with those that it took. Training
continues without the earlier ones. They need not be carried to the machine that trains.
"""

import hashlib
import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save, save_file
from torch import Tensor

from cds_bench.errors import BenchError
from cds_bench.storage.files import atomic, read_json, write_json
from cds_bench.storage.seals import POLICIES, hashes

LIMIT = 15 * 2**20  # bytes
MANIFEST, STATE, RUN, SNAPSHOTS = "manifest.json", "state", "run", "snapshots-"
OF_SNAPSHOTS = re.compile(r"(encoder_)?[wb]\d+")  # names in policies.safetensors
Snapshots = list[dict[str, Tensor]]


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; {} if nothing was carried.

    notes: about the training, as they were given. finished: whether it is complete. snapshots: the
    number of those taken. files: name -> [[part, SHA-256], ...].
    """
    path = folder / MANIFEST
    return read_json(path) if path.exists() else {}


def write_checkpoint(
    folder: Path, mark: dict[str, Any], content: dict[str, Any], notes: dict[str, Any]
) -> None:
    """Keeps a checkpoint (see `checkpoint.save`) in place of the last one. Adds new snapshots."""
    state = _squeezed({"mark": mark, "content": content | {"snapshots": []}})
    _write(folder, {STATE: state}, content["snapshots"], notes)


def read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mark and the content of a checkpoint. Snapshots that were not carried are NaN.

    Raises BenchError, with the file, if a part of the state is missing or any part is damaged.
    """
    manifest = manifest_of(folder)
    state = _tensors(_joined(folder, manifest["files"][STATE]))
    content = state["content"]
    blank = {
        name.removeprefix("policy.").replace("encoder.", "encoder_"): torch.full_like(value, np.nan)
        for name, value in content["learner"].items()
        if name.startswith(("policy.", "encoder."))
    }
    return state["mark"], content | {"snapshots": _snapshots(folder, manifest, blank)}


def write_run(folder: Path, run: Path, notes: dict[str, Any]) -> None:
    """Keeps a finished run in place of its state. Adds new snapshots."""
    tensors, metadata = _opened(run / POLICIES)
    of_snapshots = [name for name in tensors if OF_SNAPSHOTS.fullmatch(name)]
    stacked = {name: tensors.pop(name) for name in of_snapshots}
    taken = [
        {name: values[k].clone() for name, values in stacked.items()}
        for k in range(len(tensors["steps"]))
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(POLICIES, save(tensors, metadata))
        for path in sorted(run.glob("[!.]*")):
            if path.name != POLICIES:
                archive.write(path, path.name)
    _write(folder, {RUN: buffer.getvalue()}, taken, notes)


def place_run(folder: Path, run: Path) -> list[str]:
    """Writes the files of a finished run, run.json last, which gets the notes.

    The other files have the bytes of an uninterrupted run. Returns the parts that were not carried.
    If there are any, nothing is written.
    """
    manifest = manifest_of(folder)
    if missing := [part for part in _named(manifest) if not (folder / part).exists()]:
        return missing
    taken = _snapshots(folder, manifest, {})
    with zipfile.ZipFile(io.BytesIO(_joined(folder, manifest["files"][RUN]))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    record = json.loads(files.pop("run.json"))
    for name, data in files.items():
        with atomic(run / name) as temporary:
            temporary.write_bytes(data)
            if name == POLICIES:
                others, metadata = _opened(temporary)
                stacked = {key: torch.stack([each[key] for each in taken]) for key in taken[0]}
                save_file(others | stacked, temporary, metadata)
    record["sha256"] |= hashes(**{POLICIES: run / POLICIES})
    notes = {k: value for k, value in manifest["notes"].items() if k != "identity"}
    write_json(run / "run.json", record | {"notes": notes})
    return []


def tidy(folder: Path) -> None:
    """Removes the files that the manifest does not name, such as the state of an earlier piece."""
    current = {MANIFEST, *_named(manifest_of(folder))}
    for path in folder.iterdir():
        if path.name not in current:
            path.unlink()


def _named(manifest: dict[str, Any]) -> list[str]:
    """The names of all parts."""
    return [part for parts in manifest["files"].values() for part, _ in parts]


def _opened(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file of safetensors."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.offset_keys()}, file.metadata()


def _snapshots(folder: Path, manifest: dict[str, Any], blank: dict[str, Tensor]) -> Snapshots:
    """All snapshots, with `blank` in the place of those that are not in the folder."""
    found = [blank] * manifest["snapshots"]
    for name, parts in manifest["files"].items():
        if name.startswith(SNAPSHOTS) and all((folder / part).exists() for part, _ in parts):
            first, taken = int(name.removeprefix(SNAPSHOTS)), _tensors(_joined(folder, parts))
            found[first : first + len(taken)] = taken
    return found


def _squeezed(value: Any) -> bytes:
    """The bytes of `torch.save`, compressed. The first bytes of all float32 numbers come first.

    Only these bytes, with sign and exponent, can be compressed, and only if they lie together.
    """
    buffer = io.BytesIO()
    torch.save(value, buffer)
    data = buffer.getvalue()
    whole = len(data) // 4 * 4
    planes = np.frombuffer(data[:whole], np.uint8).reshape(-1, 4).T
    return zlib.compress(planes.tobytes() + data[whole:], 1)


def _tensors(squeezed: bytes) -> Any:
    """The inverse of `_squeezed`, on the CPU."""
    data = zlib.decompress(squeezed)
    whole = len(data) // 4 * 4
    numbers = np.frombuffer(data[:whole], np.uint8).reshape(4, -1).T
    buffer = io.BytesIO(numbers.tobytes() + data[whole:])
    return torch.load(buffer, map_location="cpu", weights_only=True)


def _write(
    folder: Path, found: dict[str, bytes], snapshots: Snapshots, notes: dict[str, Any]
) -> None:
    """Writes files and new snapshots in parts, then the manifest."""
    before = manifest_of(folder)
    known = before.get("snapshots", 0)
    if new := snapshots[known:]:
        found = found | {f"{SNAPSHOTS}{known:03}": _squeezed(new)}
    kept = {n: parts for n, parts in before.get("files", {}).items() if n.startswith(SNAPSHOTS)}
    files = kept | {name: _cut(folder, name, data) for name, data in found.items()}
    manifest = {"finished": RUN in found, "snapshots": len(snapshots), "files": files}
    write_json(folder / MANIFEST, manifest | {"notes": notes})
    tidy(folder)


def _cut(folder: Path, name: str, data: bytes) -> list[list[str]]:
    """Writes a file in parts. Their names contain their hash, so none replaces an earlier one."""
    parts = []
    for first in range(0, len(data), LIMIT):
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
