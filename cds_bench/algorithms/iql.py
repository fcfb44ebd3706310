"""Implicit Q-learning (Kostrikov et al. 2021) with weighted transitions.

No network is ever asked for the value of an action that is not in the data. A state value V is
regressed on an upper expectile of the target critics' values of the data's actions,

    L_V = mean_m w_m |tau - 1[u_m < 0]| u_m^2,  u_m = min_j Qtarget_j(s_m, a_m) - V(s_m),

the critics on y = r + gamma (1 - d) V(s'), and the policy clones the data's actions with the
weights of advantage-weighted regression,

    L_pi = -mean_m w_m min(exp(beta u_m), `max_weight`) log pi(a_m|s_m).

tau is the `expectile` and beta the `inverse_temperature`. V has no target network [code].

Deviations [ours]. The official code updates V first and uses the new V for the policy and the
critics. Here one optimiser moves all networks in one step, so all losses use the same V. The
official policy is a Gaussian around a tanh, with one deviation for all states. Here it is the
project's tanh-Gaussian, and the gradient of the likelihood is scaled by the variance, as in
`actor_critic.cloning`. The critics train the encoder of pictures. V and the policy use its features
without gradient.

[code] is github.com/ikostrikov/implicit_q_learning. There, locomotion has tau = 0.7 and beta = 3
with rewards scaled so that returns span 1000, and mazes have tau = 0.9 and beta = 10 with rewards
r - 1. beta acts relative to the scale of rewards.
"""

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.algorithms.encoder import as_seen
from cds_bench.noise import Noise
from cds_bench.ranges import Discount, Fraction, NonNegative, Positive, Rate
from cds_bench.records import Batch, Parameters, Sizes


@dataclass(frozen=True)
class Config:
    expectile: Fraction = 0.7  # tau; 0.5 is the mean, and values near 1 approach the maximum
    inverse_temperature: NonNegative = 3.0  # beta; with 0 the policy is cloned
    max_weight: Positive = 100.0  # the largest weight of a transition in the regression
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 3e-4
    value_learning_rate: Positive = 3e-4
    policy_learning_rate: Positive = 3e-4
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, and the target critic with its encoder."""

    critic: Parameters
    target: Parameters
    policy: Parameters
    encoder: Parameters  # trained by the critics; empty if observations are vectors
    target_encoder: Parameters
    state_value: Parameters  # V: [S, ...], in the layout of a critic without an action


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M]."""

    temporal_difference: Tensor
    state_value: Tensor
    policy: Tensor
    q_data: Tensor = field(repr=False)

    @property
    def total(self) -> Tensor:
        """The scalar to differentiate. Each term reaches only its own parameters."""
        return (self.temporal_difference + self.state_value + self.policy).sum()


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    return Learner(
        **actor_critic.initialise(generators, sizes, device),
        state_value=networks.initialise_state_value(generators, sizes, device),
    )


def groups(learner: Learner) -> list[list[Tensor]]:
    """The parameter groups of the optimiser: critics with their encoder, V, policies."""
    critics, policies = actor_critic.groups(learner)
    return [critics, list(learner.state_value.values()), policies]


def before_step(config: Config, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rate of each of the `groups`."""
    critics, state_values, policies = optimiser.param_groups
    critics["lr"] = config.critic_learning_rate
    state_values["lr"] = config.value_learning_rate
    policies["lr"] = config.policy_learning_rate


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step. `step` counts from 0. No random number is drawn."""
    states, actions = batch.states.detach(), batch.actions.unsqueeze(2)
    with torch.no_grad():
        seen = as_seen(learner.target_encoder, states, batch.pictures)
        target_values = actor_critic.minimum(learner.target, seen, actions).squeeze(-1)
        next_values = networks.state_values(learner.state_value, batch.next_states)
        target = actor_critic.backup(config, batch, next_values)
    advantage = target_values - networks.state_values(learner.state_value, states)
    q_data = networks.q_values(learner.critic, batch.states, actions).squeeze(-1)
    mean, log_std = networks.policy_distribution(learner.policy, states)
    preference = advantage_weight(config, advantage.detach())
    regression = replace(batch, weight=batch.weight * preference)
    return Terms(
        temporal_difference=actor_critic.temporal_difference(q_data, target, batch.weight),
        state_value=(batch.weight * expectile_loss(advantage, config.expectile)).mean(-1),
        policy=actor_critic.cloning(mean, log_std, regression),
        q_data=q_data.detach().mean(1),
    )


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """|tau - 1[u < 0]| u^2, elementwise. Its minimiser over a shift of u is the tau-expectile."""
    asymmetry = torch.where(difference < 0.0, 1.0 - expectile, expectile)
    return asymmetry * difference.square()


def advantage_weight(config: Config, advantage: Tensor) -> Tensor:
    """min(exp(beta A), `max_weight`), elementwise.

    The exponent is clipped, so that it can't overflow.
    """
    return (config.inverse_temperature * advantage).clamp(max=math.log(config.max_weight)).exp()


after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
