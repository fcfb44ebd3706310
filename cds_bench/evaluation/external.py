"""Evaluates the policies that an external baseline exported, by the protocol of our own runs.

docs/external-baselines.md describes the format of the files.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.errors import BenchError, nearest
from cds_bench.evaluation.evaluate import roll_out
from cds_bench.evaluation.policy import Policies, load_policies
from cds_bench.storage import paths
from cds_bench.storage.files import write_csv


def evaluate_policies(config: Config, baseline: str, sharing: str, files: list[Path]) -> None:
    """Rolls out every policy of the files and writes the baseline's scores.csv.

    Raises BenchError with the file and the tensor if a file cannot be evaluated (`check`).
    """
    loaded = [load_policies(path) for path in files]
    for path, policies in zip(files, loaded, strict=True):
        check(config, policies, path)
    parts = [
        roll_out(config, policies, policies.suite, baseline, sharing)[0] for policies in loaded
    ]
    write_csv(paths.baseline_scores(config, baseline), pd.concat(parts, ignore_index=True))


def check(config: Config, policies: Policies, path: Path) -> None:
    """Raises BenchError for unknown names, wrong shapes and values that are not finite."""
    if (suite := policies.suite) not in config.suites:
        raise BenchError(
            f"{path}: suite '{suite}' is not configured{nearest(suite, config.suites)}"
        )
    tasks = envs.SUITES[suite].tasks
    for task in policies.tasks:
        if task not in tasks:
            raise BenchError(f"{path}: unknown task '{task}'{nearest(task, tasks)}")
    for name in ("tasks", "seeds", "steps"):
        values = getattr(policies, name)
        if not values or len(set(values)) < len(values):
            raise BenchError(f"{path}: {name} are {values}; expected at least one, and none twice")
    if policies.steps != sorted(policies.steps):
        raise BenchError(f"{path}: steps are {policies.steps}; expected them in ascending order")
    world = envs.make(policies.tasks[0])
    observation, action = world.observation_space.shape[0], world.action_space.shape[0]
    world.close()
    _check_shapes(policies, observation, action, path)


def _check_shapes(policies: Policies, observation: int, action: int, path: Path) -> None:
    """Raises BenchError for the first tensor that does not fit the tasks, seeds and steps."""
    count = len(policies.tasks)
    tensors = {"observation_mean": policies.mean, "observation_scale": policies.scale}
    expected = dict.fromkeys(tensors, (count, observation))
    leading, inputs = (len(policies.steps), len(policies.seeds)), observation + count
    weights, biases = policies.layers[::2], policies.layers[1::2]
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        last = k + 1 == len(weights)
        outputs = 2 * action if last else weight.shape[-1]
        tensors |= {f"w{k}": weight, f"b{k}": bias}
        expected |= {f"w{k}": (*leading, inputs, outputs), f"b{k}": (*leading, 1, outputs)}
        inputs = outputs
    if not weights:
        raise BenchError(f"{path}: tensor 'w0' is missing")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            raise BenchError(
                f"{path}: tensor '{name}' has shape {tensor.shape}, expected {expected[name]}"
            )
        if not np.isfinite(tensor).all():
            raise BenchError(f"{path}: tensor '{name}' has values that are not finite")
    if (policies.scale <= 0).any():
        raise BenchError(f"{path}: tensor 'observation_scale' has values that are not positive")
