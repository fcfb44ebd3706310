"""A frozen behaviour policy: a clipped Gaussian over a two-layer tanh network, in numpy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from cds_bench.errors import BenchError
from cds_bench.files import atomic

FIELDS = ("mean", "scale", "w0", "b0", "w1", "b1", "w2", "b2", "log_std")


@dataclass(frozen=True)
class GaussianPolicy:
    """a = clip(mu(o) + exp(log_std) * noise, -1, 1), mu a tanh network of normalised observations.

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
    def sha256(self) -> str:
        """The hash of the parameters' bytes: what a dataset names its behaviour policy by."""
        digest = hashlib.sha256()
        for field in FIELDS:
            digest.update(np.ascontiguousarray(getattr(self, field)).tobytes())
        return digest.hexdigest()


def save_snapshots(path: Path, steps: list[int], policies: list[GaussianPolicy]) -> None:
    """Snapshots over training in one safetensors file: each field stacked to [snapshots, ...]."""
    tensors = {
        field: np.stack([getattr(policy, field) for policy in policies]).astype(np.float32)
        for field in FIELDS
    }
    with atomic(path) as temporary:
        save_file({"steps": np.array(steps, np.int64), **tensors}, temporary)


def load_snapshots(path: Path) -> tuple[list[int], list[GaussianPolicy]]:
    """The inverse of save_snapshots. Raises BenchError for a missing or damaged file."""
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises its own error types
        raise BenchError(
            f"{path}: not a readable behaviour policy ({error}); restore it from the repository "
            "or set 'behaviour: train'"
        ) from error
    steps = tensors["steps"].tolist()
    policies = [
        GaussianPolicy(**{field: tensors[field][k] for field in FIELDS}) for k in range(len(steps))
    ]
    return steps, policies
