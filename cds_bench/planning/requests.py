"""What each job asks a batch system for: main memory and time.

`cds-bench plan` measures both for its profile and leaves them in the results folder. Without these
measurements, or if the profile's settings have changed since, a job asks for what suffices for
every profile that is shipped.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.storage import paths, seals
from cds_bench.storage.files import write_json

HEAD_ROOM = 2.0  # factor on measured times and memory, because nodes differ and long runs grow
LEAST_MB, LEAST_MINUTES = 1000, 10  # for starting Python and reading files
LONGEST_MINUTES = 24 * 60  # longer training continues when it is submitted again
# Wildcards that a measurement is of; the others do not change a job's cost.
MEASURED = {
    "references": ("task",),
    "dataset": ("suite", "task"),
    "pool": ("suite",),
    "train": ("suite", "algorithm", "sharing"),
    "evaluate": ("suite",),
}
# Megabytes and minutes without a measurement. They are estimates [ours]: a training process of
# `paper` held 1.6 GB, and the times are guesses on the safe side.
UNMEASURED = {
    "behaviour": (4000, 480),
    "references": (2000, 60),
    "dataset": (4000, 60),
    "pool": (8000, 60),
    "train": (8000, LONGEST_MINUTES),
    "evaluate": (4000, 240),
    "evaluate_policies": (4000, 240),
}
SHORT = (4000, 60)  # statistics, tables, figures, the page
Measured = Annotated[float, Field(ge=0)]


class Need(seals.Record):
    """What one job was measured to need; None means unknown."""

    seconds: Measured | None = None
    bytes: Measured | None = None


class Plan(seals.Record):
    """The needs of a profile's jobs, by rule and wildcards ("train/<suite>/<algorithm>/...")."""

    settings: str
    needs: dict[str, Need]


def write(config: Config, needs: dict[str, dict[str, float]]) -> Path:
    """Leaves the needs of a profile's jobs where its workflow finds them."""
    path = paths.plan(config)
    write_json(path, {"settings": settings_sha256(config), "needs": needs})
    return path


def read(config: Config) -> dict[str, Need]:
    """The measured needs of a profile; empty if there are none, or if they are of other settings.

    Raises BenchError for a file that `write` did not write.
    """
    path = paths.plan(config)
    if not path.exists():
        return {}
    plan = seals.read_record(path, Plan)
    return plan.needs if plan.settings == settings_sha256(config) else {}


def settings_sha256(config: Config) -> str:
    """A hash of the settings that affect the cost of a job. The number of jobs does not."""
    kept = config.model_dump(mode="json", exclude={"profile", "results", "seeds", "sharing"})
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def request(config: Config, rule: str) -> dict[str, Callable[[Any], int]]:
    """The resources `mem_mb` and `runtime` (minutes) of a rule, as functions of its wildcards."""
    try:
        needs = read(config)
    except BenchError:
        needs = {}  # a damaged plan is ignored
    memory, minutes = UNMEASURED.get(rule, SHORT)

    def need(wildcards: Any) -> Need:
        names = (str(getattr(wildcards, name, "")) for name in MEASURED.get(rule, ()))
        return needs.get("/".join((rule, *names)), Need())

    def mem_mb(wildcards: Any) -> int:
        found = need(wildcards).bytes
        return memory if found is None else LEAST_MB + round(HEAD_ROOM * found / 1e6)

    def runtime(wildcards: Any) -> int:
        found = need(wildcards).seconds
        asked = minutes if found is None else LEAST_MINUTES + round(HEAD_ROOM * found / 60)
        return min(asked, LONGEST_MINUTES)

    return {"mem_mb": mem_mb, "runtime": runtime}
