"""Records with the hashes of the files that a run's training and evaluation wrote."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from cds_bench.errors import BenchError, shown
from cds_bench.storage.files import read_json, sha256, write_json

POLICIES = "policies.safetensors"
REMEDY = "delete it to have it made again"
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Index = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Failure(Record):
    """A seed whose training stopped because its losses were not finite."""

    seed: Index
    step: Index
    reason: str


class Run(Record):
    """The part of run.json that later stages read. Training writes this file last."""

    fingerprint: dict[str, Any]
    seeds: list[Index]
    failures: list[Failure]
    resolved: dict[str, dict[str, Any]]
    sha256: dict[str, Hash]

    @property
    def finished(self) -> list[int]:
        """The seeds that did not fail."""
        failed = {failure.seed for failure in self.failures}
        return [seed for seed in self.seeds if seed not in failed]


class Evaluation(Record):
    """The hashes of the files that an evaluation wrote and of the policies that it evaluated."""

    policies: Hash
    sha256: dict[str, Hash]


Kind = TypeVar("Kind", bound=Record)


def read_run(folder: Path) -> Run:
    """A run's run.json. If a key is missing or wrong, a BenchError names it."""
    return read_record(folder / "run.json", Run)


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """A JSON file as a record. If a key is missing or wrong, a BenchError names it."""
    return validated(read_json(path), kind, str(path), REMEDY)


def validated(values: Any, kind: type[Kind], origin: str, remedy: str) -> Kind:
    """Plain data as a record. If a key is missing or wrong, a BenchError names it."""
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "the file"
        got = "" if problem["type"] == "missing" else f" (got {shown(problem['input'])})"
        raise BenchError(f"{origin}: {key}: {problem['msg']}{got}; {remedy}") from None


def hashes(**files: Path) -> dict[str, str]:
    """The SHA-256 of each file, by the name of its argument."""
    return {name: sha256(path) for name, path in files.items()}


def check(path: Path, name: str, expected: dict[str, str], origin: Path) -> None:
    """Raises BenchError unless a file has the hash that the record `origin` has for `name`."""
    if name not in expected:
        raise BenchError(f"{origin}: the key sha256.{name} is missing; {REMEDY}")
    if (found := sha256(path)) != expected[name]:
        raise BenchError(
            f"{path}: SHA-256 is {found}, but {origin} says {expected[name]}: the file changed "
            "after it was written; delete both to have them made again"
        )


def seal(path: Path, policies: str, **files: Path) -> None:
    """Writes an evaluation's record. `policies` is the hash of the policies that it evaluated."""
    write_json(path, {"policies": policies, "sha256": hashes(**files)})
