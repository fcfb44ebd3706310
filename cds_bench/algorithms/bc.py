"""Behaviour cloning: maximum likelihood of the policy on the weighted effective data.

Its gradient is scaled by the variance, as `actor_critic.cloning` explains.

This is the reference that ignores rewards. Some sharing strategies ask for values. For them, twin
critics evaluate the cloned policy. They minimise the weighted temporal difference to

    y = r + gamma (1 - d) min_j Qtarget_j(s', a'),  a' ~ pi(.|s').

There is no conservative term, because a policy that stays within the data can be evaluated without
it [ours]. The critics affect the policy only through the weights of a strategy. For the same reason
the likelihood trains the encoder of pictures, and the critics use its features without gradient.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.noise import Noise
from cds_bench.ranges import Discount, Positive, Rate
from cds_bench.records import Batch, Parameters, Sizes


@dataclass(frozen=True)
class Config:
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 3e-4
    policy_learning_rate: Positive = 1e-3
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, and the target critic with its encoder."""

    critic: Parameters
    target: Parameters
    policy: Parameters
    encoder: Parameters  # empty if observations are vectors
    target_encoder: Parameters


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M]."""

    temporal_difference: Tensor
    policy: Tensor
    q_data: Tensor = field(repr=False)

    @property
    def total(self) -> Tensor:
        """The scalar to differentiate. Each term reaches only its own parameters."""
        return (self.temporal_difference + self.policy).sum()


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    return Learner(**actor_critic.initialise(generators, sizes, device))


def groups(learner: Learner) -> list[list[Tensor]]:
    """The parameter groups of the optimiser: critics, policies with their encoder."""
    policies = [*learner.policy.values(), *learner.encoder.values()]
    return [list(learner.critic.values()), policies]


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step. `step` counts from 0."""
    rows, size = batch.actions.shape[1:]
    with torch.no_grad():
        next_moments = networks.policy_distribution(learner.policy, batch.next_states)
        next_policy_actions, _ = networks.sample(*next_moments, noise.normal(rows, 1, size))
        next_values = actor_critic.target_minimum(learner, batch, next_policy_actions)
        target = actor_critic.backup(config, batch, next_values.squeeze(-1))
    states, actions = batch.states.detach(), batch.actions.unsqueeze(2)
    q_data = networks.q_values(learner.critic, states, actions).squeeze(-1)
    mean, log_std = networks.policy_distribution(learner.policy, batch.states)
    return Terms(
        temporal_difference=actor_critic.temporal_difference(q_data, target, batch.weight),
        policy=actor_critic.cloning(mean, log_std, batch),
        q_data=q_data.detach().mean(1),
    )


before_step = actor_critic.before_step
after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
