"""One run as one compressed file: the same files give the same bytes, and hashes find damage."""

import hashlib
import io
import json
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_bench.errors import BenchError
from cds_bench.storage import seals
from cds_bench.storage.files import atomic

SUFFIX = ".tar.xz"
MANIFEST = "manifest.json"
LARGEST = 2**31  # bytes of all members together; no run is larger


class Manifest(seals.Record):
    """What an archive holds: the run's key, the code of its evaluation, and each member's hash."""

    suite: str
    algorithm: str
    sharing: str
    seeds: str
    evaluation_code: str
    sha256: dict[str, seals.Hash]

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.suite, self.algorithm, self.sharing, self.seeds


@dataclass(frozen=True)
class Archive:
    path: Path
    manifest: Manifest
    members: dict[str, bytes]


def write(path: Path, manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    """Writes members and a manifest with their hashes. Names, times and owners are fixed."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    text = json.dumps(manifest | {"sha256": hashes}, indent=2, sort_keys=True)
    with (
        atomic(path) as temporary,
        lzma.open(temporary, "wb", preset=9) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in {MANIFEST: text.encode(), **members}.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))


def read(path: Path) -> Archive:
    """An archive with its members, all hashes checked. Nothing is written.

    Raises BenchError for a file that `write` did not write, or that changed since.
    """
    try:
        members = _members(path)
        values = json.loads(members.pop(MANIFEST))
    except KeyError:
        raise BenchError(f"{path}: is no packed run: it has no {MANIFEST}") from None
    except (
        tarfile.TarError,
        lzma.LZMAError,
        EOFError,
        ValueError,
        RecursionError,
        OSError,
    ) as error:
        raise BenchError(f"{path}: not readable as a packed run ({error}); copy it again") from None
    manifest = seals.validated(values, Manifest, f"{path}: {MANIFEST}", "pack it again")
    found = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    for name in sorted(found.keys() | manifest.sha256.keys()):
        if found.get(name) != manifest.sha256.get(name):
            raise BenchError(
                f"{path}: {name}: SHA-256 is {found.get(name, '(no such member)')}, expected "
                f"{manifest.sha256.get(name, '(no such member)')}; copy it again"
            )
    return Archive(path, manifest, members)


def _members(path: Path) -> dict[str, bytes]:
    members, total = {}, 0
    with lzma.open(path) as compressed, tarfile.open(fileobj=compressed, mode="r|") as tar:
        for about in tar:
            total += about.size
            if not about.isreg() or total > LARGEST:
                raise ValueError(f"{about.name}: expected plain files of less than 2 GiB in all")
            members[about.name] = tar.extractfile(about).read()
    return members
