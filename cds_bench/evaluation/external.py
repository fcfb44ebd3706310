"""Evaluates the policies that an external baseline exported, by the protocol of our own runs.

docs/external-baselines.md describes the format of the files.
"""

import math
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


def evaluate_policies(
    config: Config, baseline: str, suite: str, sharing: str, files: list[Path]
) -> None:
    """Rolls out every policy of the files and writes the baseline's scores.csv of the suite.

    Raises BenchError with the file and the tensor if a file cannot be evaluated (`check`).
    """
    loaded = [load_policies(path) for path in files]
    for path, policies in zip(files, loaded, strict=True):
        check(suite, policies, path)
    parts = [roll_out(config, policies, suite, baseline, sharing)[0] for policies in loaded]
    write_csv(paths.baseline_scores(config, baseline, suite), pd.concat(parts, ignore_index=True))


def check(suite: str, policies: Policies, path: Path) -> None:
    """Raises BenchError for unknown names, wrong shapes and values that are not finite."""
    if policies.suite != suite:
        raise BenchError(f"{path}: the policies are of the suite '{policies.suite}', not '{suite}'")
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
    observation, action = world.observation_space.shape, world.action_space.shape[0]
    world.close()
    _check_shapes(policies, observation, action, path)


def _check_encoder(
    policies: Policies, picture: tuple[int, ...], path: Path
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, ...]]]:
    """The encoder's tensors and their expected shapes, the sizes of its kernels being free.

    Raises BenchError if its convolutions do not fit the pictures.
    """
    if not policies.encoder:
        raise BenchError(
            f"{path}: tensor 'encoder_w0' is missing, but the tasks are observed as pictures"
        )
    leading = (len(policies.steps), len(policies.seeds))
    tensors, expected = {}, {}
    (*sides, channels), last = picture, len(policies.encoder) // 2 - 1
    if len(policies.strides) != last or min(policies.strides, default=1) < 1:
        raise BenchError(
            f"{path}: encoder_strides are {policies.strides}; expected {last}, all positive"
        )
    for k in range(last + 1):
        weight, bias = policies.encoder[2 * k : 2 * k + 2]
        kernel = math.isqrt(weight.shape[2] // channels) if weight.ndim == 4 else 0
        if k == last:
            inputs = math.prod(sides) * channels
        else:
            inputs = kernel * kernel * channels
            sides = [(side - kernel) // policies.strides[k] + 1 for side in sides]
            if not kernel or min(sides) < 1:
                raise BenchError(
                    f"{path}: tensor 'encoder_w{k}' has shape {weight.shape}, which does not fit "
                    f"pictures of shape {picture}"
                )
        channels = weight.shape[-1]
        tensors |= {f"encoder_w{k}": weight, f"encoder_b{k}": bias}
        expected |= {
            f"encoder_w{k}": (*leading, inputs, channels),
            f"encoder_b{k}": (*leading, 1, channels),
        }
    return tensors, expected


def _check_shapes(
    policies: Policies, observation: tuple[int, ...], action: int, path: Path
) -> None:
    """Raises BenchError for the first tensor that does not fit the tasks, seeds and steps."""
    count, inputs = len(policies.tasks), observation[0]
    if len(observation) > 1:
        tensors, expected = _check_encoder(policies, observation, path)
        inputs = policies.encoder[-1].shape[-1]
    elif policies.encoder:
        raise BenchError(f"{path}: has an encoder, but the tasks are not observed as pictures")
    else:
        tensors = {"observation_mean": policies.mean, "observation_scale": policies.scale}
        expected = dict.fromkeys(tensors, (count, inputs))
    leading, inputs = (len(policies.steps), len(policies.seeds)), inputs + count
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
    if policies.scale is not None and (policies.scale <= 0).any():
        raise BenchError(f"{path}: tensor 'observation_scale' has values that are not positive")
