"""Reference scores of a task: the returns that a normalised score of 0 and of 1 stand for."""

from pathlib import Path

import numpy as np

import envs
from cds_bench import paths
from cds_bench.behaviour.rollout import returns, stochastic, uniform
from cds_bench.behaviour.select import snapshots
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.files import read_json, write_json
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.versions import versions

REFERENCES = ("random", "medium", "expert")


def write_references(config: Config, task: str) -> None:
    """Rolls out the random, medium and expert policy of a task and writes their returns.

    The file is JSON: `task`, `metric`, `versions`, and per reference `mean`, `std`, `episodes` of
    the undiscounted return under the policy's own noise; `medium` and `expert` also carry the
    snapshot's `step` and the parameters' `sha256`. Raises BenchError, and writes nothing, if the
    expert is no better than random: a normalised score would then mean nothing.
    """
    path = paths.references(config, task)
    env = envs.make(task)
    chosen = {quality: snapshots(config, task, quality)[0] for quality in REFERENCES[1:]}
    acts = {quality: stochastic(snapshot.policy) for quality, snapshot in chosen.items()}
    acts["random"] = uniform(env.action_space.shape[0])
    scores = {}
    with Progress(f"references {task}", len(REFERENCES)) as progress:
        for done, quality in enumerate(REFERENCES, start=1):
            rng = stream("reference", task, quality)
            scores[quality] = _summary(
                returns(env, acts[quality], rng, config.datasets.reference_episodes)
            )
            progress.update(done, f"{quality} {scores[quality]['mean']:.4g}")
    env.close()
    for quality, snapshot in chosen.items():
        scores[quality] |= {"step": snapshot.step, "sha256": snapshot.policy.sha256}
    _check_order(path, scores)
    write_json(
        path,
        {
            "task": task,
            "metric": envs.TASKS[task].metric,
            "versions": versions("gymnasium", "mujoco", "numpy"),
            **scores,
        },
    )


def read_references(config: Config, task: str) -> dict:
    """The references of a task. Raises BenchError naming file and key for what cannot be used."""
    path = paths.references(config, task)
    references = read_json(path)
    if not isinstance(references, dict) or references.get("task") != task:
        raise BenchError(f"{path}: not the references of '{task}'; {_REMEDY}")
    for quality in REFERENCES:
        mean = references.get(quality, {}).get("mean")
        if not isinstance(mean, (int, float)) or not np.isfinite(mean):
            raise BenchError(f"{path}: key '{quality}.mean' is {mean}, not a number; {_REMEDY}")
    _check_order(path, references)
    return references


def normalised(references: dict, value):
    """(value - random) / (expert - random), of a mean return or an array of returns."""
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    return (value - random) / (expert - random)


_REMEDY = "delete it to have it computed again"


def _summary(values: np.ndarray) -> dict:
    return {"mean": float(values.mean()), "std": float(values.std()), "episodes": len(values)}


def _check_order(path: Path, references: dict) -> None:
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    if not expert > random:
        raise BenchError(
            f"{path}: the expert's mean return {expert:.4g} is not above the random policy's "
            f"{random:.4g}, so no score can be normalised; train the behaviour policy longer"
        )
