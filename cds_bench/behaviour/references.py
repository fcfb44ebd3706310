"""Reference scores of a task: those of the random, the behaviour and the expert policy.

If the metric is the return, scores are normalised: 0 is the random policy's and 1 the expert's. A
success rate is not normalised.
"""

from dataclasses import replace

import numpy as np

import envs
from cds_bench.behaviour.recipes import module, recipes
from cds_bench.behaviour.rollout import scores
from cds_bench.config import Config
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.files import write_json
from cds_bench.storage.reference_scores import REFERENCES, check_order
from cds_bench.storage.versions import versions


def write_references(config: Config, task: str) -> None:
    """Rolls out the random, behaviour and expert policy of a task and writes their scores.

    The JSON file holds `task`, `metric`, `versions`, and for each reference `mean`, `std` and
    `episodes` of the task's metric, the `quality` of the policy's data, and the `policy`. Episodes
    start as in evaluation. Raises BenchError, and writes nothing, if the expert is no better than
    random, because a normalised score would then mean nothing.
    """
    env = envs.make(task)
    qualities = dict(zip(REFERENCES, ("random", module(task).REFERENCE, "expert"), strict=True))
    found = {}
    with Progress(f"references {task}", len(REFERENCES)) as progress:
        for done, (reference, quality) in enumerate(qualities.items(), start=1):
            recipe = recipes(config, env, quality)[0]
            behaviour = replace(recipe.behaviour, options=None)
            rng = stream("reference", task, quality)
            values = scores(env, behaviour, rng, config.datasets.reference_episodes)
            found[reference] = summarised(values, quality, recipe.about)
            progress.update(done, f"{reference} {found[reference]['mean']:.4g}")
    env.close()
    write_measured(config, task, found)


def summarised(values: np.ndarray, quality: str, policy: dict) -> dict:
    """What the file holds of one reference, from the scores of its episodes."""
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "episodes": len(values),
        "quality": quality,
        "policy": policy,
    }


def write_measured(config: Config, task: str, found: dict[str, dict]) -> None:
    """Writes a task's references. Raises BenchError if the expert is no better than random."""
    path = paths.references(config, task)
    references = {
        "task": task,
        "metric": envs.TASKS[task].metric,
        "versions": versions("gymnasium", "mujoco", "numpy"),
        **found,
    }
    check_order(path, references)
    write_json(path, references)
