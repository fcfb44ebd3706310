"""The reference scores of a task, read by every stage that normalises."""

import math
from pathlib import Path

import envs
from cds_bench.config import Config
from cds_bench.errors import BenchError, shown
from cds_bench.storage import paths
from cds_bench.storage.files import read_json

REFERENCES = ("random", "behaviour", "expert")
_REMEDY = "delete it to have it computed again"


def read_references(config: Config, task: str) -> dict:
    """The references of a task. Raises BenchError naming file and key for what cannot be used."""
    path = paths.references(config, task)
    references = read_json(path)
    expected = (task, envs.TASKS[task].metric)
    if not isinstance(references, dict) or expected != tuple(
        references.get(key) for key in ("task", "metric")
    ):
        raise BenchError(f"{path}: not the references of '{task}'; {_REMEDY}")
    for reference in REFERENCES:
        about = references.get(reference)
        mean = about.get("mean") if isinstance(about, dict) else None
        plain = isinstance(mean, int | float) and not isinstance(mean, bool)
        if not plain or not math.isfinite(mean):
            raise BenchError(
                f"{path}: key '{reference}.mean' is {shown(mean)}, not a number; {_REMEDY}"
            )
        if references["metric"] == "success" and not 0 <= mean <= 1:
            raise BenchError(
                f"{path}: key '{reference}.mean' is {mean:g}, not a success rate from 0 to 1; "
                f"{_REMEDY}"
            )
    check_order(path, references)
    return references


def normalised(references: dict, value):
    """(value - random) / (expert - random) of a return or an array; a success rate as it is."""
    if references["metric"] == "success":
        return value
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    return (value - random) / (expert - random)


def check_order(path: Path, references: dict) -> None:
    """Raises BenchError where the expert is not above the random policy."""
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    if expert < random or (expert == random and references["metric"] == "return"):
        raise BenchError(
            f"{path}: the expert's mean score {expert:.4g} is not above the random policy's "
            f"{random:.4g}, so no score can be normalised; train the behaviour policy longer, or "
            "raise datasets.reference_episodes if they are few"
        )
