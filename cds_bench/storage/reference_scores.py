"""The reference scores of a task. Every stage that normalises scores reads them."""

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
    """The references of a task. If they are unusable, a BenchError names the file and the key."""
    path = paths.references(config, task)
    references = read_json(path)
    expected = (task, envs.TASKS[task].metric)
    if not isinstance(references, dict) or expected != tuple(
        references.get(key) for key in ("task", "metric")
    ):
        raise BenchError(f"{path}: these are not the references of '{task}'; {_REMEDY}")
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
    """(value - random) / (expert - random) for returns. Success rates stay as they are."""
    if references["metric"] == "success":
        return value
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    return (value - random) / (expert - random)


def check_order(path: Path, references: dict) -> None:
    """Raises BenchError unless the expert scores higher than the random policy.

    Equal success rates are allowed, because they are not normalised.
    """
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    if expert < random or (expert == random and references["metric"] == "return"):
        raise BenchError(
            f"{path}: the expert's mean score {expert:.4g} is not above the random policy's "
            f"{random:.4g}, so no score can be normalised; train the behaviour policy longer, or "
            "raise datasets.reference_episodes if it is small"
        )
