"""TD3+BC (Fujimoto and Gu 2021) with weighted transitions.

This is TD3 whose deterministic policy is also pulled towards the data's actions:

    L_pi = mean_m w_m (|pi(s_m) - a_m|^2 / A - lambda Q_1(s_m, pi(s_m))),
    lambda = `alpha` / (sum_m w_m |Q_1(s_m, pi(s_m))| / sum_m w_m),

where A is the number of the action's dimensions, Q_1 is the first critic, and lambda has no
gradient. It is computed for each seed over its batch of all tasks. The critics are regressed on

    y = r + gamma (1 - d) min_j Qtarget_j(s', a'),  a' = clip(pi_target(s') + noise, -1, 1).

The policy learns in every second step (`deterministic`). lambda makes the policy independent of the
scale of rewards.

[code] is github.com/sfujim/TD3_BC, where all of this is so. Deviations: the mean in lambda is
weighted, so that a transition of weight 0 has no influence [ours]; the targets move in every step
(`deterministic.after_step`). The paper's normalisation of states is the pool's.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, deterministic, networks
from cds_bench.noise import Noise
from cds_bench.ranges import Count, Discount, NonNegative, Positive, Rate
from cds_bench.records import Batch, Parameters, Sizes

CRITICS = 2
LEAST = 1e-6  # of |Q|'s mean and of the sum of weights, so that neither divides by 0 [ours]

Learner = deterministic.Learner


@dataclass(frozen=True)
class Config:
    alpha: NonNegative = 2.5  # weight of Q, relative to its own mean size
    policy_noise: NonNegative = 0.2  # of the target policy's actions, as a standard deviation
    noise_clip: NonNegative = 0.5
    policy_delay: Count = 2  # the policy learns in one of so many steps
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 3e-4
    policy_learning_rate: Positive = 3e-4
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M].

    cloning: mean_m w_m |pi(s_m) - a_m|^2 / A. It is only recorded; the policy's term contains it.
    total: the scalar to differentiate. It has the policy's term in the steps in which it learns.
    """

    temporal_difference: Tensor
    policy: Tensor
    cloning: Tensor
    q_data: Tensor = field(repr=False)
    total: Tensor = field(repr=False)


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    return deterministic.initialise_learner(generators, sizes, device, CRITICS)


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step. `step` counts from 0."""
    seen, next_actions = deterministic.smoothed_target(config, learner, batch, noise)
    next_values = actor_critic.minimum(learner.target, seen, next_actions).squeeze(-1)
    target = actor_critic.backup(config, batch, next_values)
    q_data = networks.q_values(learner.critic, batch.states, batch.actions.unsqueeze(2)).squeeze(-1)
    difference = actor_critic.temporal_difference(q_data, target, batch.weight)
    policy, cloning = policy_losses(config, learner, batch)
    total = difference.sum()
    if deterministic.policy_learns(config, step):
        total = total + policy.sum()
    return Terms(
        temporal_difference=difference,
        policy=policy,
        cloning=cloning.detach(),
        q_data=q_data.detach().mean(1),
        total=total,
    )


def policy_losses(config: Config, learner: Learner, batch: Batch) -> tuple[Tensor, Tensor]:
    """The policy's loss and, in it, the squared distance from the data's actions; [S] each."""
    actions = deterministic.policy_actions(learner.policy, batch.states.detach())
    first = first_critics(learner.critic)
    goal = actor_critic.improvement_goal(first, batch.states, actions.unsqueeze(2))
    cloning = (batch.weight * (actions - batch.actions).square().mean(-1)).mean(-1)
    scale = q_weight(config, goal.detach(), batch.weight)
    return cloning - scale * (batch.weight * goal).mean(-1), cloning


def first_critics(critic: Parameters) -> Parameters:
    """The first critic of every seed, [S, ...]."""
    return {name: value[::CRITICS] for name, value in critic.items()}


def q_weight(config: Config, values: Tensor, weight: Tensor) -> Tensor:
    """lambda, [S], from the values [S, M] of the policy's actions and the weights [S, M]."""
    size = (weight * values.abs()).sum(-1) / weight.sum(-1).clamp(min=LEAST)
    return config.alpha / size.clamp(min=LEAST)


groups = actor_critic.groups
before_step = actor_critic.before_step
after_step = deterministic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
