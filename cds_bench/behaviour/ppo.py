"""Training a behaviour policy with stable-baselines3's PPO and keeping snapshots of it."""

from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import envs
from cds_bench.behaviour.freeze import Bonus, due_steps, freeze
from cds_bench.behaviour.policy import GaussianPolicy
from cds_bench.config import PPOTraining
from cds_bench.progress import Progress
from cds_bench.seeding import seed_of


class Snapshots(BaseCallback):
    """Keeps the policy, with its observation normalisation, at the given steps."""

    def __init__(self, steps: list[int], normalise: VecNormalize, progress: Progress):
        super().__init__()
        self.due = list(steps)
        self.normalise = normalise
        self.progress = progress
        self.kept: list[tuple[int, GaussianPolicy]] = []

    def _on_rollout_start(self):
        self.keep_due()

    def _on_step(self):
        self.progress.update(self.num_timesteps)
        return True

    def keep_due(self):
        if self.due and self.num_timesteps >= self.due[0]:
            self.due = [step for step in self.due if step > self.num_timesteps]
            policy = frozen(self.model.policy, self.normalise)
            self.kept.append((self.num_timesteps, policy))


def frozen(policy, normalise: VecNormalize) -> GaussianPolicy:
    """stable-baselines3's actor and VecNormalize's statistics as a numpy policy."""
    layers = [policy.mlp_extractor.policy_net[0], policy.mlp_extractor.policy_net[2]]
    layers.append(policy.action_net)
    arrays = {"log_std": policy.log_std}
    for k, layer in enumerate(layers):
        arrays |= {f"w{k}": layer.weight.T, f"b{k}": layer.bias}
    statistics = normalise.obs_rms
    return GaussianPolicy(
        mean=statistics.mean.astype(np.float32),
        scale=np.sqrt(statistics.var + normalise.epsilon).astype(np.float32),
        **{name: value.detach().numpy().copy() for name, value in arrays.items()},
    )


def train(task: str, settings: PPOTraining, output: Path, provenance: Path) -> None:
    """Trains the policy of a task or skill and writes its snapshots and their provenance.

    PPO has two hidden layers, observation and reward normalisation, and an alive bonus. The returns
    of the snapshots do not contain the bonus; they are those of the policy with its own noise.
    """
    torch.set_num_threads(1)
    worlds = [
        lambda: Bonus(envs.make(task), settings.alive_bonus, settings.airborne_bonus)
    ] * settings.environments
    base = DummyVecEnv(worlds)
    normalise = VecNormalize(base, gamma=settings.gamma)
    seed = seed_of("behaviour", task, settings.seed) % 2**31
    model = PPO(
        "MlpPolicy",
        normalise,
        learning_rate=lambda left: settings.learning_rate * left,  # decays linearly to 0
        n_steps=settings.rollout // settings.environments,
        batch_size=settings.batch_size,
        gamma=settings.gamma,
        policy_kwargs={"net_arch": [settings.hidden] * 2, "log_std_init": settings.log_std},
        seed=seed,
        device="cpu",
    )
    with Progress(f"behaviour {task}", settings.steps) as progress:
        keeper = Snapshots(due_steps(settings), normalise, progress)
        model.learn(settings.steps, callback=keeper)
        keeper.keep_due()
    freeze(task, settings, seed, keeper.kept, output, provenance)
