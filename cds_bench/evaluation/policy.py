"""Trained policies in numpy: deterministic actions for all seeds of a job at once."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from cds_bench.dataset.pool import NORMALISED_LIMIT
from cds_bench.errors import BenchError


@dataclass(frozen=True)
class Policies:
    """The snapshots of a run.

    layers alternate weight [K, S, in, out] and bias [K, S, 1, out or more: padded at its end].
    mean, scale: [T, O], each task's normalisation of observations.
    """

    layers: list[np.ndarray]
    mean: np.ndarray
    scale: np.ndarray
    steps: list[int]
    seeds: list[int]
    tasks: list[str]
    pool: str

    def act(self, snapshot: int, task: int, observations: np.ndarray) -> np.ndarray:
        """tanh of the policy's mean: observations [S, E, O] -> float32 actions [S, E, A]."""
        normalised = (observations - self.mean[task]) / self.scale[task]
        clipped = normalised.clip(-NORMALISED_LIMIT, NORMALISED_LIMIT).astype(np.float32)
        one_hot = np.zeros((*observations.shape[:2], len(self.tasks)), np.float32)
        one_hot[..., task] = 1.0
        x = np.concatenate([clipped, one_hot], axis=-1)
        for k in range(0, len(self.layers), 2):
            weight, bias = self.layers[k][snapshot], self.layers[k + 1][snapshot]
            x = x @ weight + bias[..., : weight.shape[-1]]
            if k + 2 < len(self.layers):
                np.maximum(x, 0.0, out=x)
        return np.tanh(x[..., : x.shape[-1] // 2])

    def of(self, seeds: list[int]) -> "Policies":
        """The policies of some of the seeds."""
        places = [self.seeds.index(seed) for seed in seeds]
        return replace(self, layers=[layer[:, places] for layer in self.layers], seeds=seeds)


def load_policies(path: Path) -> Policies:
    """Reads policies.safetensors. Raises BenchError when it is missing, damaged or another file."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            run = json.loads((file.metadata() or {})["run"])
        depth = sum(name.startswith("w") for name in tensors)
        return Policies(
            layers=[tensors[f"{kind}{k}"] for k in range(depth) for kind in "wb"],
            mean=tensors["observation_mean"],
            scale=tensors["observation_scale"],
            steps=tensors["steps"].tolist(),
            seeds=tensors["seeds"].tolist(),
            tasks=run["tasks"],
            pool=run["pool"],
        )
    except (OSError, SafetensorError) as error:
        raise BenchError(f"{path}: not readable ({error}); delete it and train again") from error
    except KeyError as error:
        raise BenchError(
            f"{path}: is no run's policies: {error} is missing; delete it and train again"
        ) from error
