"""A plain CQL like public single-file implementations, with which the engine is compared.

It trains one seed of one task. It evaluates two critics one after the other, repeats states for the
sampled actions, and has one optimiser per network. It shares no code with cds_bench. The loss is
the one that `cds_bench.algorithms.cql` documents (Kumar et al. 2020, with a deterministic backup).
Letters: M transitions, O observation, A action, n sampled actions.
"""

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal, TanhTransform, TransformedDistribution
from torch.nn import functional as F

from benchmarks.synthetic import transitions


@dataclass
class Config:
    observation: int
    action: int
    hidden: tuple[int, ...] = (256, 256, 256)
    actions: int = 10
    batch: int = 256
    device: str = "cpu"
    alpha: float = 5.0
    discount: float = 0.99
    target_rate: float = 0.005
    critic_learning_rate: float = 3e-4
    policy_learning_rate: float = 1e-4
    temperature_learning_rate: float = 1e-4

    @classmethod
    def of(cls, spec: dict[str, Any]) -> "Config":
        """The sizes that a contender is asked for."""
        names = ("observation", "action", "actions", "batch", "device")
        return cls(hidden=tuple(spec["hidden"]), **{name: spec[name] for name in names})


def mlp(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Critic(nn.Module):
    """Q(s, a), [M] for states [M, O] and actions [M, A], or [M, n] for actions [M, n, A]."""

    def __init__(self, config: Config):
        super().__init__()
        self.network = mlp([config.observation + config.action, *config.hidden, 1])

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        if actions.dim() == 3:
            states = states.unsqueeze(1).expand(-1, actions.shape[1], -1)
        return self.network(torch.cat([states, actions], dim=-1)).squeeze(-1)


class Policy(nn.Module):
    """A Gaussian whose samples pass through tanh."""

    def __init__(self, config: Config):
        super().__init__()
        self.network = mlp([config.observation, *config.hidden, 2 * config.action])

    def forward(self, states: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """`count` actions per state, [M, count, A], and their log-densities [M, count]."""
        mean, log_std = self.network(states).unsqueeze(1).chunk(2, dim=-1)
        normal = Normal(mean, log_std.clamp(-20.0, 2.0).exp())
        squashed = TransformedDistribution(normal, TanhTransform(cache_size=1))
        actions = squashed.rsample((count,))
        log_probs = squashed.log_prob(actions).sum(-1)
        return actions.squeeze(2).transpose(0, 1), log_probs.squeeze(2).transpose(0, 1)


def conservative(
    critic: Critic, states: Tensor, q_data: Tensor, proposals: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """mean_m (logsumexp_a' (Q(s, a') - log mu(a')) - Q(s, a)).

    proposals: actions [M, n, A] and log mu [M, n] for each of the proposal distributions.
    """
    values = torch.cat([critic(states, actions) - density for actions, density in proposals], dim=1)
    return (torch.logsumexp(values, dim=1) - q_data).mean()


class CQL:
    """The networks, their optimisers, and one step of training."""

    def __init__(self, config: Config):
        self.config = config
        self.critics = [Critic(config).to(config.device) for _ in range(2)]
        self.targets = copy.deepcopy(self.critics)
        self.policy = Policy(config).to(config.device)
        self.log_temperature = nn.Parameter(torch.zeros(1, device=config.device))
        self.critic_optimisers = [
            torch.optim.Adam(critic.parameters(), config.critic_learning_rate)
            for critic in self.critics
        ]
        self.policy_optimiser = torch.optim.Adam(
            self.policy.parameters(), config.policy_learning_rate
        )
        self.temperature_optimiser = torch.optim.Adam(
            [self.log_temperature], config.temperature_learning_rate
        )

    def policy_losses(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The losses of the policy and of the temperature, whose target entropy is -A."""
        actions, log_probs = self.policy(states, 1)
        actions, log_probs = actions.squeeze(1), log_probs.squeeze(1)
        value = torch.min(*(critic(states, actions) for critic in self.critics))
        policy = (self.log_temperature.exp().detach() * log_probs - value).mean()
        entropy_gap = log_probs.detach() - self.config.action
        return policy, -(self.log_temperature * entropy_gap).mean()

    def propose(self, states: Tensor, next_states: Tensor) -> list[tuple[Tensor, Tensor]]:
        """n actions from each of the uniform distribution, pi(.|s) and pi(.|s'), and log mu."""
        count, size = self.config.actions, self.config.action
        anywhere = torch.rand(len(states), count, size, device=states.device) * 2.0 - 1.0
        density = torch.full(anywhere.shape[:2], -size * math.log(2.0), device=states.device)
        with torch.no_grad():
            return [(anywhere, density), *(self.policy(s, count) for s in (states, next_states))]

    @torch.no_grad()
    def backup(self, batch: dict[str, Tensor]) -> Tensor:
        """y = r + gamma (1 - d) min_j Qtarget_j(s', a' ~ pi), [M]."""
        actions, _ = self.policy(batch["next_observations"], 1)
        following = torch.min(
            *(target(batch["next_observations"], actions.squeeze(1)) for target in self.targets)
        )
        return batch["rewards"] + self.config.discount * (1.0 - batch["terminals"]) * following

    def critic_loss(
        self,
        critic: Critic,
        batch: dict[str, Tensor],
        target: Tensor,
        proposals: list[tuple[Tensor, Tensor]],
    ) -> Tensor:
        """mean (Q(s, a) - y)^2 + alpha x the conservative term."""
        states = batch["observations"]
        q_data = critic(states, batch["actions"])
        gap = conservative(critic, states, q_data, proposals)
        return F.mse_loss(q_data, target) + self.config.alpha * gap

    def step(self, batch: dict[str, Tensor]) -> None:
        policy_loss, temperature_loss = self.policy_losses(batch["observations"])
        target = self.backup(batch)
        proposals = self.propose(batch["observations"], batch["next_observations"])
        critic_losses = [
            self.critic_loss(critic, batch, target, proposals) for critic in self.critics
        ]
        self._descend(self.temperature_optimiser, temperature_loss)
        self._descend(self.policy_optimiser, policy_loss)  # also leaves gradients in the critics
        for optimiser, loss in zip(self.critic_optimisers, critic_losses, strict=True):
            self._descend(optimiser, loss)
        for critic, follower in zip(self.critics, self.targets, strict=True):
            self._follow(critic, follower)

    @staticmethod
    def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    @torch.no_grad()
    def _follow(self, critic: Critic, follower: Critic) -> None:
        for source, target in zip(critic.parameters(), follower.parameters(), strict=True):
            target.lerp_(source, self.config.target_rate)


def device_data(spec: dict[str, Any]) -> dict[str, Tensor]:
    """Random transitions of one task on the device."""
    arrays = transitions(spec["rows"], spec["observation"], spec["action"], 1)
    data = {name: torch.from_numpy(array).to(spec["device"]) for name, array in arrays.items()}
    return data | {name: data[name].squeeze(1) for name in ("rewards", "terminals")}


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step on a random batch, drawn by index from tensors on the device."""
    if spec.get("keep_freed_memory"):
        from cds_bench.training.device import keep_freed_memory

        keep_freed_memory()
    torch.manual_seed(0)
    config = Config.of(spec)
    data, learner = device_data(spec), CQL(config)

    def step() -> int:
        rows = torch.randint(spec["rows"], (config.batch,), device=config.device)
        learner.step({name: tensor[rows] for name, tensor in data.items()})
        return 1

    return step
