"""The snapshots of a trained behaviour policy that make each quality of data, as in D4RL."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cds_bench.behaviour.policy import Policy, load_snapshots
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, sha256

MEDIUM = 1 / 3  # of the expert's return, as in D4RL


@dataclass(frozen=True)
class Snapshot:
    """A policy and the training step at which it was kept."""

    step: int
    policy: Policy


def expert(mean_returns: Sequence[float]) -> int:
    """The snapshot with the highest mean return; the first one if several are equal."""
    return int(np.argmax(mean_returns))


def medium(mean_returns: Sequence[float]) -> int:
    """The snapshot at about a third of the expert's return.

    It is the first whose return reaches a third of the expert's, or its predecessor if that is
    nearer. Later snapshots are not considered even if they are nearer, because learning has already
    passed that level. Raises ValueError if the expert's return is not positive, because a third of
    it then means nothing.
    """
    target = MEDIUM * max(mean_returns)
    if target <= 0:
        raise ValueError(
            f"the best snapshot's mean return is {max(mean_returns):.4g}; a third of it marks a "
            "medium policy only if it is positive"
        )
    first = next(k for k, value in enumerate(mean_returns) if value >= target)
    return min(max(first - 1, 0), first, key=lambda k: abs(mean_returns[k] - target))


def indices(mean_returns: Sequence[float], quality: str) -> list[int]:
    """The snapshots that collect a quality, in training order.

    `mean_returns` [snapshots] are in training order. `medium-replay` takes every snapshot up to and
    including the medium one, as a replay buffer does if training stops there.
    """
    if quality == "expert":
        return [expert(mean_returns)]
    last = medium(mean_returns)
    return [last] if quality == "medium" else list(range(last + 1))


def snapshots(config: Config, name: str, quality: str) -> list[Snapshot]:
    """The snapshots that collect a quality of a trained policy, from its verified file.

    Raises BenchError if a file is missing or damaged, if the provenance describes another policy
    file, or if the mean returns identify no medium policy.
    """
    path, provenance = paths.behaviour(config, name), paths.behaviour_provenance(config, name)
    mean_returns = _mean_returns(provenance, path)
    steps, policies = load_snapshots(path)
    if len(steps) != len(mean_returns):
        raise BenchError(
            f"{provenance}: mean_return has {len(mean_returns)} values for {len(steps)} snapshots "
            f"in {path.name}; {_remedy(config)}"
        )
    try:
        chosen = indices(mean_returns, quality)
    except ValueError as error:
        raise BenchError(f"{provenance}: {error}; train the behaviour policy longer") from None
    return [Snapshot(steps[k], policies[k]) for k in chosen]


def _mean_returns(provenance, path) -> list[float]:
    """The snapshots' returns, after a check that the provenance describes the policy file."""
    described = read_json(provenance)
    for key in ("sha256", "mean_return"):
        if key not in described:
            raise BenchError(
                f"{provenance}: key '{key}' is missing; restore the file or train again"
            )
    if not path.exists():
        raise BenchError(
            f"{path}: no such file; restore it from the repository or set 'behaviour: train'"
        )
    if (found := sha256(path)) != described["sha256"]:
        raise BenchError(
            f"{path}: SHA-256 is {found}, but {provenance.name} describes {described['sha256']}; "
            "restore both files together or train the behaviour policy again"
        )
    values = described["mean_return"]
    if not values or not np.isfinite(values).all():
        raise BenchError(
            f"{provenance}: mean_return must hold one finite number per snapshot, got {values}"
        )
    return values


def _remedy(config: Config) -> str:
    if config.behaviour == "frozen":
        return "restore both files from the repository"
    return "delete both files to have the policy trained again"
