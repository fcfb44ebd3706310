"""Trained policies in numpy: deterministic actions for all seeds of a job at once."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from cds_bench.dataset.pool import NORMALISED_LIMIT
from cds_bench.errors import BenchError

NORM_EPSILON = 1e-5  # as in `algorithms.networks`, which would import torch


@dataclass(frozen=True)
class Policies:
    """The K snapshots of a run with S seeds and T tasks.

    layers: weights [K, S, in, out] and biases [K, S, 1, out or more] in turn. Biases may be padded
        at their end.
    critic: the same for the C final critics of every seed, seed-major: [C S, in, out].
    gains: [C S, 1, H] for each hidden layer of the critics. Empty if these are not normalised.
    mean, scale: [T, O], each task's normalisation of observations; None if these are pictures.
    encoder: weights [K, S, in, F] and biases [K, S, 1, F] of the convolutions and of the linear
        layer, in turn, in the layout of `algorithms.encoder`. Empty if observations are vectors.
    strides: of the convolutions.
    pool: the hash of the pool that our own runs were trained on.
    suite: the suite of external policies, which have no pool and no critic.
    """

    layers: list[np.ndarray]
    critic: list[np.ndarray]
    gains: list[np.ndarray]
    mean: np.ndarray | None
    scale: np.ndarray | None
    steps: list[int]
    seeds: list[int]
    tasks: list[str]
    pool: str = ""
    suite: str = ""
    encoder: list[np.ndarray] = field(default_factory=list)
    strides: list[int] = field(default_factory=list)

    def act(self, snapshot: int, task: int, observations: np.ndarray) -> np.ndarray:
        """The tanh of the policy's mean: observations [S, E, O] -> float32 actions [S, E, A].

        Pictures are uint8 [S, E, height, width, channels].
        """
        layers = [layer[snapshot] for layer in self.layers]
        output = _network(layers, self._states(snapshot, task, observations))
        return np.tanh(output[..., : output.shape[-1] // 2])

    def value(self, task: int, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """min_j Q_j(s, a) of the final critics, [S, E], in the algorithm's units of reward."""
        inputs = np.concatenate([self._states(-1, task, observations), actions], axis=-1)
        inputs = inputs.repeat(self._critics_per_seed(), axis=0)
        values = _network(self.critic, inputs, self.gains)[..., 0]
        return values.reshape(len(self.seeds), -1, observations.shape[1]).min(axis=1)

    def _states(self, snapshot: int, task: int, observations: np.ndarray) -> np.ndarray:
        """The networks' inputs [S, E, O + T] for observations [S, E, O] or pictures."""
        if self.encoder:
            seen = features([each[snapshot] for each in self.encoder], self.strides, observations)
        else:
            normalised = (observations - self.mean[task]) / self.scale[task]
            seen = normalised.clip(-NORMALISED_LIMIT, NORMALISED_LIMIT).astype(np.float32)
        one_hot = np.zeros((*observations.shape[:2], len(self.tasks)), np.float32)
        one_hot[..., task] = 1.0
        return np.concatenate([seen, one_hot], axis=-1)

    def _critics_per_seed(self) -> int:
        """C; 0 for external policies, which have no critics."""
        return len(self.critic[0]) // len(self.seeds) if self.critic else 0

    def of(self, seeds: list[int]) -> "Policies":
        """The policies of some of the seeds."""
        places = [self.seeds.index(seed) for seed in seeds]
        critics = self._critics_per_seed()
        stacked = [critics * place + critic for place in places for critic in range(critics)]
        return replace(
            self,
            layers=[layer[:, places] for layer in self.layers],
            critic=[layer[stacked] for layer in self.critic],
            gains=[gain[stacked] for gain in self.gains],
            encoder=[layer[:, places] for layer in self.encoder],
            seeds=seeds,
        )


def features(encoder: list[np.ndarray], strides: Sequence[int], pictures: np.ndarray) -> np.ndarray:
    """The features [S, E, F] of pictures [S, E, height, width, channels], as `algorithms.encoder`.

    encoder: weights [S, in, out] and biases [S, 1, out] in turn.
    """
    x = pictures.astype(np.float32) * np.float32(2 / 255) - 1
    for k, stride in enumerate(strides):
        weight, bias = encoder[2 * k : 2 * k + 2]
        kernel = math.isqrt(weight.shape[1] // x.shape[-1])
        parts = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
        parts = np.moveaxis(parts[:, :, ::stride, ::stride], 4, -1)  # channels last
        seeds, count, height, width = parts.shape[:4]
        rows = parts.reshape(seeds, count * height * width, -1) @ weight + bias
        x = np.maximum(rows, 0.0).reshape(seeds, count, height, width, -1)
    weight, bias = encoder[-2:]
    found = x.reshape(*x.shape[:2], -1) @ weight + bias
    deviation = np.sqrt(found.var(-1, keepdims=True) + NORM_EPSILON)
    return (found - found.mean(-1, keepdims=True)) / deviation


def _network(
    layers: list[np.ndarray], x: np.ndarray, gains: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Applies a stack of ReLU networks (weights and biases in turn) to x [stack, rows, in].

    With gains, hidden layers are normalised as in `algorithms.networks.activate`.
    """
    for k in range(0, len(layers), 2):
        weight, bias = layers[k], layers[k + 1]
        x = x @ weight + bias[..., : weight.shape[-1]]
        if k + 2 < len(layers):
            if gains:
                deviation = np.sqrt(x.var(-1, keepdims=True) + NORM_EPSILON)
                x = gains[k // 2] * (x - x.mean(-1, keepdims=True)) / deviation
            np.maximum(x, 0.0, out=x)
    return x


def _layers(tensors: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """The weights and biases whose names start with the prefix, in turn."""
    depth = sum(name.startswith(f"{prefix}w") for name in tensors)
    return [tensors[f"{prefix}{kind}{k}"] for k in range(depth) for kind in "wb"]


def _gains(tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The gains of the critics' normalised layers, in turn."""
    depth = sum(name.startswith("critic_g") for name in tensors)
    return [tensors[f"critic_g{k}"] for k in range(depth)]


def load_policies(path: Path) -> Policies:
    """Reads policies.safetensors. Raises BenchError if it is missing, damaged or another file."""
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            run = json.loads((file.metadata() or {})["run"])
        encoder = _layers(tensors, "encoder_")
        return Policies(
            layers=_layers(tensors, ""),
            critic=_layers(tensors, "critic_"),
            gains=_gains(tensors),
            mean=None if encoder else tensors["observation_mean"],
            scale=None if encoder else tensors["observation_scale"],
            steps=tensors["steps"].tolist(),
            seeds=tensors["seeds"].tolist(),
            tasks=run["tasks"],
            pool=run.get("pool", ""),
            suite=run.get("suite", ""),
            encoder=encoder,
            strides=tensors["encoder_strides"].tolist() if encoder else [],
        )
    except (OSError, SafetensorError) as error:
        raise BenchError(f"{path}: not readable ({error}); delete it and train again") from error
    except KeyError as error:
        raise BenchError(
            f"{path}: does not hold a run's policies: {error} is missing; delete it and train again"
        ) from error
    except json.JSONDecodeError as error:
        raise BenchError(f"{path}: metadata 'run' is not valid JSON ({error})") from error
