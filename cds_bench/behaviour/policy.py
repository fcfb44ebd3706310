"""Frozen behaviour policies in numpy: the actors of PPO and SAC."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from cds_bench.errors import BenchError
from cds_bench.storage.files import atomic

LOG_STD_RANGE = (-20.0, 2.0)  # as in stable-baselines3's SAC actor


@dataclass(frozen=True)
class GaussianPolicy:
    """a = clip(mu(o) + exp(log_std) noise, -1, 1); mu is a tanh network of normalised observations.

    mean, scale: [obs]; w0 [obs, h], w1 [h, h], w2 [h, act], their biases; log_std [act]; float32.
    Observations are normalised as (o - mean) / scale and clipped to [-10, 10], as in training.
    """

    mean: np.ndarray
    scale: np.ndarray
    w0: np.ndarray
    b0: np.ndarray
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    log_std: np.ndarray

    def act(self, observation: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
        """Actions [..., act] float32 for observations [..., obs]; noise standard normal, or 0."""
        x = np.clip((observation - self.mean) / self.scale, -10.0, 10.0).astype(np.float32)
        x = np.tanh(x @ self.w0 + self.b0)
        x = np.tanh(x @ self.w1 + self.b1)
        action = x @ self.w2 + self.b2 + np.exp(self.log_std) * noise
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    @property
    def actions(self) -> int:
        return self.b2.size


@dataclass(frozen=True)
class SquashedPolicy:
    """a = tanh(mu(o) + sigma(o) noise) with a ReLU network: SAC's actor.

    The hidden layers are w0 [obs, h] and w1 [h, h]. w2 [h, act] gives mu. w3 [h, act] gives
    log sigma, clipped to [-20, 2]. Each has a bias; all are float32. Observations are not
    normalised.
    """

    w0: np.ndarray
    b0: np.ndarray
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    w3: np.ndarray
    b3: np.ndarray

    def act(self, observation: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
        """Actions [..., act] float32 for observations [..., obs]; noise standard normal, or 0."""
        x = np.maximum(observation.astype(np.float32) @ self.w0 + self.b0, 0.0)
        x = np.maximum(x @ self.w1 + self.b1, 0.0)
        sigma = np.exp(np.clip(x @ self.w3 + self.b3, *LOG_STD_RANGE))
        return np.tanh(x @ self.w2 + self.b2 + sigma * noise).astype(np.float32)

    @property
    def actions(self) -> int:
        return self.b2.size


Policy = GaussianPolicy | SquashedPolicy


def names(kind: type[Policy]) -> list[str]:
    """The parameters of a kind of policy, in order."""
    return [field.name for field in fields(kind)]


def policy_sha256(policy: Policy) -> str:
    """The hash of the parameters' bytes, by which a dataset identifies its behaviour policy."""
    digest = hashlib.sha256()
    for name in names(type(policy)):
        digest.update(np.ascontiguousarray(getattr(policy, name)).tobytes())
    return digest.hexdigest()


def save_snapshots(path: Path, steps: list[int], policies: list[Policy]) -> None:
    """Snapshots over training in one safetensors file: each field stacked to [snapshots, ...]."""
    tensors = {
        name: np.stack([getattr(policy, name) for policy in policies]).astype(np.float32)
        for name in names(type(policies[0]))
    }
    with atomic(path) as temporary:
        save_file({"steps": np.array(steps, np.int64), **tensors}, temporary)


def load_snapshots(path: Path) -> tuple[list[int], list[Policy]]:
    """The inverse of save_snapshots. Raises BenchError if the file is missing or damaged."""
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises its own error types
        raise BenchError(
            f"{path}: not a readable behaviour policy ({error}); restore it from the repository "
            "or set 'behaviour: train'"
        ) from error
    steps = tensors["steps"].tolist()
    kind = SquashedPolicy if "w3" in tensors else GaussianPolicy
    policies = [kind(**{name: tensors[name][k] for name in names(kind)}) for k in range(len(steps))]
    return steps, policies
