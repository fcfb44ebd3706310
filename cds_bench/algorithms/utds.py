"""UTDS (Bai et al. 2023, arXiv 2404.19346), an ensemble whose spread is the price of an action.

UTDS shares all data and selects none, so the method of the paper is this algorithm with the
strategy `sharing_all`. Its base is PBRL (Bai et al. 2022). Five critics learn, each with a target
critic of its own. sigma is the standard deviation over critics, with Bessel's correction [code].
Critic k is regressed on

    y_k = r + gamma (1 - d) (Qtarget_k(s', a') - beta_1 sigma_target(s', a')),

with a' as in TD3 (`deterministic`), and its values of actions that may be outside of the data are
pulled down by their own uncertainty. For n actions u of the policy at s and n at s', with a little
noise,

    L_ood = sum_k mean_m w_m mean_u (Q_k(x, u) - z_k)^2,
    z_k = max(Q_k(x, u) - beta_2 sigma(x, u), floor),  without gradient,

where x is the state to which u belongs. beta_2 falls geometrically to its least value. The
deterministic policy maximises min_k Q_k(s, pi(s)) in every second step.

[code] is the authors' github.com/Baichenjia/UTDS, `agent/pbrl.py`. Constants are its defaults. The
paper's own text was not checked beyond its abstract. Deviations from the code:

- y_k comes from the target critics, as in PBRL [recalled]. The code keeps target critics but
  evaluates the current ones there.
- beta_1 and beta_2 are the same for all transitions. In the code they are up to 1.5 times as large
  for other tasks' data. An algorithm here does not know where a transition is from [ours].
- There is no `ood_floor` unless one is given [ours]. The code's is 0, because the rewards of its
  tasks are not negative. A floor above a value would pull that value up.
- One optimiser moves all critics in one step. Networks are as wide as the profile says.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, deterministic, gradients, networks
from cds_bench.noise import Noise
from cds_bench.ranges import Count, Discount, NonNegative, Positive, Rate
from cds_bench.records import Batch, Sizes

CRITICS = 5

Learner = deterministic.Learner


@dataclass(frozen=True)
class Config:
    penalty: NonNegative = 0.001  # beta_1, of the uncertainty in the backup
    ood_penalty: NonNegative = 3.0  # beta_2 in the first step
    ood_penalty_decay: Rate = 0.99995  # beta_2 is multiplied by this in each step
    ood_penalty_least: NonNegative = 0.1
    ood_floor: float | None = None  # 0 for rewards that are never negative; None: no floor
    ood_noise: NonNegative = 0.01  # of the policy's actions u, as a standard deviation
    actions: Count = 3  # n, at s and at s' each
    policy_noise: NonNegative = 0.2  # of the target policy's actions, as a standard deviation
    noise_clip: NonNegative = 0.5  # of both noises
    policy_delay: Count = 2  # the policy learns in one of so many steps
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 1e-4
    policy_learning_rate: Positive = 1e-4
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M].

    out_of_distribution: L_ood. uncertainty: mean_m w_m sigma(s_m, a_m), which is only recorded.
    total: the scalar to differentiate. It has the policy's term in the steps in which it learns.
    """

    temporal_difference: Tensor
    out_of_distribution: Tensor
    policy: Tensor
    uncertainty: Tensor
    q_data: Tensor = field(repr=False)
    total: Tensor = field(repr=False)


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    return deterministic.initialise_learner(generators, sizes, device, CRITICS)


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step. `step` counts from 0."""
    target = backup_targets(config, learner, batch, noise)
    policy_actions = uncertain_actions(config, learner, batch.states.detach(), noise)
    next_policy_actions = uncertain_actions(config, learner, batch.next_states, noise)
    actions = torch.cat([batch.actions.unsqueeze(2), policy_actions], dim=2)  # [S, M, 1 + n, A]
    values = networks.q_values(learner.critic, batch.states, actions)
    next_values = networks.q_values(learner.critic, batch.next_states, next_policy_actions)
    q_data = values[..., 0]
    outside = torch.cat([values[..., 1:], next_values], dim=-1)  # [S, C, M, 2n]
    pessimistic = penalised(outside, ood_penalty(config, step), config.ood_floor)
    difference = actor_critic.weighted((q_data - target).square(), batch.weight)
    out_of_distribution = actor_critic.weighted(
        (outside - pessimistic).square().mean(-1), batch.weight
    )
    policy = policy_loss(learner, batch)
    total = (difference + out_of_distribution).sum()
    if deterministic.policy_learns(config, step):
        total = total + policy.sum()
    return Terms(
        temporal_difference=difference,
        out_of_distribution=out_of_distribution,
        policy=policy,
        uncertainty=(batch.weight * q_data.detach().std(1)).mean(-1),
        q_data=q_data.detach().mean(1),
        total=total,
    )


@torch.no_grad()
def backup_targets(config: Config, learner: Learner, batch: Batch, noise: Noise) -> Tensor:
    """y_k = r + gamma (1 - d) (Qtarget_k(s', a') - beta_1 sigma_target(s', a')), [S, C, M]."""
    seen, next_actions = deterministic.smoothed_target(config, learner, batch, noise)
    values = gradients.values(learner.target, seen, next_actions).squeeze(-1)
    values = penalised(values, config.penalty)
    return actor_critic.backup(config, batch, values.movedim(1, 0)).movedim(0, 1)


@torch.no_grad()
def uncertain_actions(config: Config, learner: Learner, states: Tensor, noise: Noise) -> Tensor:
    """n actions of the policy with a little noise, [S, M, n, A], at states [S, M, O+T]."""
    actions = deterministic.policy_actions(learner.policy, states)
    draws = noise.normal(states.shape[1], config.actions, actions.shape[-1])
    return deterministic.perturbed(actions.unsqueeze(2), draws, config.ood_noise, config.noise_clip)


@torch.no_grad()
def penalised(values: Tensor, penalty: float, floor: float | None = None) -> Tensor:
    """Q_k - penalty sigma, not below the floor if there is one. values: [S, C, M, ...]."""
    found = values - penalty * values.std(1, keepdim=True)
    return found if floor is None else found.clamp(min=floor)


def ood_penalty(config: Config, step: int) -> float:
    """beta_2 in a step: max(`ood_penalty` `ood_penalty_decay`^step, `ood_penalty_least`)."""
    return max(config.ood_penalty * config.ood_penalty_decay**step, config.ood_penalty_least)


def policy_loss(learner: Learner, batch: Batch) -> Tensor:
    """-mean_m w_m min_k Q_k(s_m, pi(s_m)), [S]."""
    actions = deterministic.policy_actions(learner.policy, batch.states.detach())
    goal = actor_critic.improvement_goal(learner.critic, batch.states, actions.unsqueeze(2))
    return -(batch.weight * goal).mean(-1)


groups = actor_critic.groups
before_step = actor_critic.before_step
after_step = deterministic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
