"""Training a behaviour policy with stable-baselines3's SAC, as for D4RL's locomotion data."""

from pathlib import Path

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

import envs
from cds_bench.behaviour.freeze import Bonus, due_steps, freeze
from cds_bench.behaviour.policy import SquashedPolicy
from cds_bench.behaviour.rollout import scores, stochastic
from cds_bench.config import SACTraining
from cds_bench.progress import Progress
from cds_bench.seeding import seed_of, stream


class Snapshots(BaseCallback):
    """Keeps the policy at the given steps and shows the return of one of its episodes."""

    def __init__(self, task: str, steps: list[int], progress: Progress):
        super().__init__()
        self.task = task
        self.env = envs.make(task)
        self.due = list(steps)
        self.progress = progress
        self.kept: list[tuple[int, SquashedPolicy]] = []

    def _on_step(self):
        self.progress.update(self.num_timesteps, self.keep_due())
        return True

    def keep_due(self) -> str:
        """Keeps the policy if that is due. Returns a note for the progress."""
        step = self.num_timesteps
        if not self.due or step < self.due[0]:
            return ""
        self.due = [due for due in self.due if due > step]
        policy = squashed(self.model.actor)
        self.kept.append((step, policy))
        rng = stream("behaviour-progress", self.task, step)
        return f"return {scores(self.env, stochastic(policy), rng, 1)[0]:.4g}"


def squashed(actor) -> SquashedPolicy:
    """stable-baselines3's SAC actor as a numpy policy."""
    layers = {"0": actor.latent_pi[0], "1": actor.latent_pi[2], "2": actor.mu, "3": actor.log_std}
    arrays = {}
    for name, layer in layers.items():
        arrays |= {f"w{name}": layer.weight.T, f"b{name}": layer.bias}
    return SquashedPolicy(**{name: value.detach().numpy().copy() for name, value in arrays.items()})


def train(task: str, settings: SACTraining, output: Path, provenance: Path) -> None:
    """Trains the policy of a task and writes its snapshots and their provenance.

    SAC takes `updates` gradient steps for every step of `environments` environments. There is an
    alive bonus in training. The first `random_steps` actions are uniform, as in D4RL, so the first
    snapshot is the untrained policy.
    """
    torch.set_num_threads(1)
    worlds = [
        lambda: Bonus(envs.make(task), settings.alive_bonus, settings.airborne_bonus)
    ] * settings.environments
    seed = seed_of("behaviour", task, settings.seed) % 2**31
    model = SAC(
        "MlpPolicy",
        DummyVecEnv(worlds),
        learning_rate=settings.learning_rate,
        buffer_size=settings.steps,
        learning_starts=settings.random_steps,
        batch_size=settings.batch_size,
        gamma=settings.gamma,
        train_freq=1,
        gradient_steps=settings.updates,
        policy_kwargs={"net_arch": {"pi": [settings.hidden] * 2, "qf": [settings.critic] * 2}},
        seed=seed,
        device="cpu",
    )
    with Progress(f"behaviour {task}", settings.steps) as progress:
        keeper = Snapshots(task, due_steps(settings), progress)
        keeper.init_callback(model)
        keeper.keep_due()
        model.learn(settings.steps, callback=keeper)
    freeze(task, settings, seed, keeper.kept, output, provenance)
