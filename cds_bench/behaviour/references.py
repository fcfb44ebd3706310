"""Reference scores of a task: those of the random, the behaviour and the expert policy.

If the metric is the return, scores are normalised: 0 is the random policy's and 1 the expert's. A
success rate is not normalised.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import envs
from cds_bench.behaviour.recipes import module, recipes
from cds_bench.behaviour.rollout import scores
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, write_json
from cds_bench.storage.versions import versions

REFERENCES = ("random", "behaviour", "expert")


def write_references(config: Config, task: str) -> None:
    """Rolls out the random, behaviour and expert policy of a task and writes their scores.

    The JSON file holds `task`, `metric`, `versions`, and for each reference `mean`, `std` and
    `episodes` of the task's metric, the `quality` of the policy's data, and the `policy`. Episodes
    start as in evaluation. Raises BenchError, and writes nothing, if the expert is no better than
    random, because a normalised score would then mean nothing.
    """
    path = paths.references(config, task)
    env = envs.make(task)
    qualities = dict(zip(REFERENCES, ("random", module(task).REFERENCE, "expert"), strict=True))
    found = {}
    with Progress(f"references {task}", len(REFERENCES)) as progress:
        for done, (reference, quality) in enumerate(qualities.items(), start=1):
            recipe = recipes(config, env, quality)[0]
            behaviour = replace(recipe.behaviour, options=None)
            rng = stream("reference", task, quality)
            values = scores(env, behaviour, rng, config.datasets.reference_episodes)
            found[reference] = {**_summary(values), "quality": quality, "policy": recipe.about}
            progress.update(done, f"{reference} {found[reference]['mean']:.4g}")
    env.close()
    references = {
        "task": task,
        "metric": envs.TASKS[task].metric,
        "versions": versions("gymnasium", "mujoco", "numpy"),
        **found,
    }
    _check_order(path, references)
    write_json(path, references)


def read_references(config: Config, task: str) -> dict:
    """The references of a task. Raises BenchError with file and key if they cannot be used."""
    path = paths.references(config, task)
    references = read_json(path)
    expected = (task, envs.TASKS[task].metric)
    if not isinstance(references, dict) or expected != tuple(map(references.get, _NAMES)):
        raise BenchError(f"{path}: not the references of '{task}'; {_REMEDY}")
    for reference in REFERENCES:
        mean = references.get(reference, {}).get("mean")
        if not isinstance(mean, (int, float)) or not np.isfinite(mean):
            raise BenchError(f"{path}: key '{reference}.mean' is {mean}, not a number; {_REMEDY}")
    _check_order(path, references)
    return references


def normalised(references: dict, value):
    """(value - random) / (expert - random) for returns; a success rate does not change."""
    if references["metric"] == "success":
        return value
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    return (value - random) / (expert - random)


_NAMES = ("task", "metric")
_REMEDY = "delete it to have it computed again"


def _summary(values: np.ndarray) -> dict:
    return {"mean": float(values.mean()), "std": float(values.std()), "episodes": len(values)}


def _check_order(path: Path, references: dict) -> None:
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    if expert < random or (expert == random and references["metric"] == "return"):
        raise BenchError(
            f"{path}: the expert's mean score {expert:.4g} is not above the random policy's "
            f"{random:.4g}, so no score can be normalised; train the behaviour policy longer, or "
            "raise datasets.reference_episodes if there are few"
        )
