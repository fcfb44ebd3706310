"""Training a behaviour policy with stable-baselines3's PPO, keeping snapshots over training."""

from pathlib import Path

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import envs
from cds_bench.behaviour.policy import GaussianPolicy, save_snapshots
from cds_bench.behaviour.rollout import scores, stochastic
from cds_bench.config import BehaviourTraining
from cds_bench.files import sha256, write_json
from cds_bench.progress import Progress
from cds_bench.seeding import seed_of, stream
from cds_bench.versions import versions


class AliveBonus(gymnasium.RewardWrapper):
    """Adds a constant to each step's reward, in training only: falling is never worth it."""

    def __init__(self, env, bonus: float):
        super().__init__(env)
        self.bonus = bonus

    def reward(self, reward):
        return reward + self.bonus


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


def train(task: str, settings: BehaviourTraining, output: Path, provenance: Path) -> None:
    """Trains the policy of a task or skill and writes its snapshots and their provenance.

    PPO with two hidden layers, observation and reward normalisation and an alive bonus that the
    snapshots' returns (without the bonus, the policy's own noise on) do not contain.
    """
    torch.set_num_threads(1)
    worlds = [lambda: AliveBonus(envs.make(task), settings.alive_bonus)] * settings.environments
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
    due = np.linspace(0, settings.steps, settings.snapshots + 1).round().astype(int).tolist()
    with Progress(f"behaviour {task}", settings.steps) as progress:
        keeper = Snapshots(due, normalise, progress)
        model.learn(settings.steps, callback=keeper)
        keeper.keep_due()
    env = envs.make(task)
    steps, policies = map(list, zip(*keeper.kept, strict=True))
    found = [
        scores(env, stochastic(policy), stream("behaviour-return", task, step), settings.episodes)
        for step, policy in zip(steps, policies, strict=True)
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
