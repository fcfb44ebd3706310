"""The common parts of both learners of behaviour policies: bonus, snapshot steps, and writing."""

from pathlib import Path

import gymnasium
import numpy as np

import envs
from cds_bench.behaviour.policy import Policy, save_snapshots
from cds_bench.behaviour.rollout import scores, stochastic
from cds_bench.config import BehaviourTraining
from cds_bench.seeding import stream
from cds_bench.storage.files import sha256, write_json
from cds_bench.storage.versions import versions


class Bonus(gymnasium.RewardWrapper):
    """Adds `alive` to every step's reward, and `airborne` off the ground, in training only.

    With the first bonus, falling never pays. Without the second, a walker would stand on tiptoe, a
    local optimum of the task's reward, instead of hopping.
    """

    def __init__(self, env, alive: float, airborne: float):
        super().__init__(env)
        self.alive, self.airborne = alive, airborne

    def reward(self, reward):
        hop = self.airborne if self.airborne and self.env.unwrapped.airborne else 0.0
        return reward + self.alive + hop


def due_steps(settings: BehaviourTraining) -> list[int]:
    """The steps at which a policy is kept: 0, the last, and `snapshots` - 1 evenly spaced steps."""
    return np.linspace(0, settings.steps, settings.snapshots + 1).round().astype(int).tolist()


def freeze(
    task: str,
    settings: BehaviourTraining,
    seed: int,
    kept: list[tuple[int, Policy]],
    output: Path,
    provenance: Path,
) -> None:
    """Writes the kept (step, policy) pairs and their provenance.

    The returns in the provenance are those of the task, without the bonus. The policies act with
    their own noise.
    """
    env = envs.make(task)
    steps, policies = map(list, zip(*kept, strict=True))
    found = [
        scores(env, stochastic(policy), stream("behaviour-return", task, step), settings.episodes)
        for step, policy in kept
    ]
    save_snapshots(output, steps, policies)
    write_json(
        provenance,
        {
            "task": task,
            "settings": settings.model_dump(),
            "seed": seed,
            "steps": steps,
            "mean_return": [float(score.mean()) for score in found],
            "std_return": [float(score.std()) for score in found],
            "episodes_per_snapshot": settings.episodes,
            "sha256": sha256(output),
            "versions": versions("torch", "stable-baselines3", "gymnasium", "mujoco", "numpy"),
        },
    )
