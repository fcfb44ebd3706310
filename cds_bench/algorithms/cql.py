"""Conservative Q-learning (Kumar et al. 2020), every per-transition term weighted.

SAC with two critics, and for each critic and transition

    alpha_cql (logsumexp_a' (Q(s, a') - log mu(a')) - Q(s, a)),

a' being n actions from each of the uniform distribution, pi(.|s) and pi(.|s'), all evaluated at s.
As in the official code: temperature 1, log-probabilities detached, the data's action outside of the
logsumexp, no log N term, no entropy in the backup. Weights multiply the temporal difference, both
terms of the conservative one, and the policy's loss; sums are divided by the batch size.

The policy follows the critics' gradient, as in SAC. With `policy_improvement: regression` it is
regressed on those actions of the data that the critics prefer to its own: the binary form of critic
regularised regression (CRR, Wang et al. 2020) on CQL's critics [ours]. It then stays with the
data's actions, and learns from critics that are too rough to climb.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.algorithms.gradients import Slope, known_loss, value_gradients
from cds_bench.noise import Noise
from cds_bench.records import LANES, Batch, Parameters, Sizes


@dataclass(frozen=True)
class Config:
    alpha: float = 5.0  # weight of the conservative term
    actions: int = 10  # n, from each of the three proposals
    discount: float = 0.99
    target_rate: float = 0.005
    critic_learning_rate: float = 3e-4
    policy_learning_rate: float = 1e-4
    temperature_learning_rate: float = 1e-4
    reward_scale: float = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0
    cloning_steps: int = 0  # the policy's loss is behaviour cloning for this many first steps
    cloning_learning_rate: float = 1e-3  # the policy's, in those steps
    # The policy climbs min_j Q_j, or clones the data's actions whose advantage is positive.
    policy_improvement: Literal["gradient", "regression"] = "gradient"
    backup_actions: int = 1  # the backup takes the maximum over this many a' ~ pi(.|s')
    # A number: the Lagrange version, whose multiplier is adapted until the gap *weighted by* alpha
    # meets it: multiplier (alpha gap - lagrange_gap), the official convention.
    lagrange_gap: float | None = None
    # The critics' gradient: exact, or its estimate from this many of the 3n proposals.
    gradient: Literal["exact", "sampled"] = "exact"
    samples: int = 2
    precision: Literal["float32", "bfloat16"] = "float32"  # of the critics' products, in training


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, and the target critic that follows."""

    critic: Parameters
    target: Parameters
    policy: Parameters
    log_temperature: Tensor  # [S, LANES], of which the first is used
    log_multiplier: Tensor  # likewise, of the Lagrange version


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the mean of Q on the data per row, [S, M].

    total: the scalar to differentiate; each term reaches its own parameters alone.
    """

    temporal_difference: Tensor
    conservative: Tensor
    policy: Tensor
    temperature: Tensor
    multiplier: Tensor
    q_data: Tensor = field(repr=False)
    total: Tensor = field(repr=False)


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters, seed by seed from its own generator."""
    critic = networks.initialise_critic(generators, sizes, device)
    return Learner(
        critic=critic,
        target={name: value.clone() for name, value in critic.items()},
        policy=networks.initialise_policy(generators, sizes, device),
        log_temperature=torch.zeros(sizes.seeds, LANES, device=device),
        log_multiplier=torch.zeros(sizes.seeds, LANES, device=device),
    )


def groups(learner: Learner) -> list[list[Tensor]]:
    """What the one optimiser trains: critics, policies, temperatures."""
    critics = [*learner.critic.values(), learner.log_multiplier]
    return [critics, list(learner.policy.values()), [learner.log_temperature]]


def before_step(config: Config, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rate of each of the `groups`.

    When cloning ends, Adam forgets the policy's moments: those of the likelihood's gradient are
    so much smaller than Q's that the first steps would be tens of times too long.
    """
    critics, policies, temperatures = optimiser.param_groups
    cloning = step < config.cloning_steps
    critics["lr"] = config.critic_learning_rate
    policies["lr"] = config.cloning_learning_rate if cloning else config.policy_learning_rate
    temperatures["lr"] = config.temperature_learning_rate
    if step == config.cloning_steps:
        for parameter in policies["params"]:
            optimiser.state.pop(parameter, None)


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step; `step` counts from 0."""
    shape, size = batch.actions.shape[1:2], batch.actions.shape[-1]
    count, backups = config.actions, config.backup_actions
    mean, log_std = networks.policy_distribution(learner.policy, batch.states)
    here, log_here = networks.sample(mean, log_std, noise.normal(*shape, count + 1, size))
    with torch.no_grad():
        moments = networks.policy_distribution(learner.policy, batch.next_states)
        there, log_there = networks.sample(*moments, noise.normal(*shape, count + backups, size))
        # max_a' min_j Qtarget_j(s', a')
        following = actor_critic.minimum(learner.target, batch.next_states, there[:, :, count:])
        target = actor_critic.backup(config, batch, following.amax(-1))
        anywhere = noise.uniform(*shape, count, size) * 2.0 - 1.0
        proposals = torch.cat(
            [anywhere, here[:, :, :count], there[:, :, :count], batch.actions.unsqueeze(2)], dim=2
        )
        uniform = torch.full_like(log_there[:, :, :count], -size * math.log(2.0))
        densities = torch.cat([uniform, log_here[:, :, :count], log_there[:, :, :count]], dim=2)

    slope = critic_slope(config, learner, batch, target, densities, noise)
    dtype = getattr(torch, config.precision)
    values, slopes = value_gradients(learner.critic, batch.states, proposals, slope, dtype)
    q_data = values[..., -1]
    temporal_difference = actor_critic.temporal_difference(q_data, target, batch.weight)
    gap = (values[..., :-1] - densities.unsqueeze(1)).logsumexp(-1) - q_data
    gap = config.alpha * (batch.weight.unsqueeze(1) * gap).mean(-1)  # [S, 2]
    conservative, multiplier = _conservative(config, learner.log_multiplier, gap)
    policy, temperature = policy_losses(
        config,
        learner,
        batch,
        mean,
        log_std,
        here[:, :, count:],
        log_here[:, :, count],
        values,
        step,
    )
    critic = known_loss(temporal_difference + conservative, slopes, learner.critic)
    return Terms(
        temporal_difference=temporal_difference,
        conservative=conservative,
        policy=policy,
        temperature=temperature,
        multiplier=multiplier,
        q_data=q_data.mean(1),
        total=(critic + policy + temperature + multiplier).sum(),
    )


def critic_slope(
    config: Config, learner: Learner, batch: Batch, target: Tensor, densities: Tensor, noise: Noise
) -> Slope:
    """The slope of both critics' losses at their values of [proposals, the data's action].

    At the data, w (2 (Q - y) - c) / M with c = alpha x multiplier; at the proposals, w c / M times
    the softmax p of Q - log mu, which is the slope of the logsumexp. `sampled`: of n proposals
    drawn from p, w c / (M n) each, whose mean gradient over draws is the exact one.
    """
    rows = batch.weight.shape[1]
    weight, target, densities = (
        x.repeat_interleave(2, dim=0) for x in (batch.weight / rows, target, densities)
    )
    down = config.alpha * weight
    if config.lagrange_gap is not None:
        down = down * _multiplier(learner.log_multiplier).detach().repeat_interleave(2, dim=0)
    draws = None
    if config.gradient == "sampled":
        draws = noise.uniform(rows, config.samples).repeat_interleave(2, dim=0)

    def slope(values: Tensor, stack: slice, block: slice) -> tuple[Tensor, Tensor | None]:
        shares = (values[..., :-1] - densities[stack, block]).softmax(-1)
        pull = down[stack, block].unsqueeze(-1)
        error = values[..., -1] - target[stack, block]
        at_data = (2.0 * weight[stack, block] * error).unsqueeze(-1) - pull
        if draws is None:
            return torch.cat([pull * shares, at_data], dim=-1), None
        drawn = (draws[stack, block].unsqueeze(-1) >= shares.cumsum(-1).unsqueeze(-2)).sum(-1)
        drawn = drawn.clamp(max=shares.shape[-1] - 1)
        data = torch.full_like(drawn[..., :1], shares.shape[-1])
        each = (pull / config.samples).expand(drawn.shape)
        return torch.cat([each, at_data], dim=-1), torch.cat([drawn, data], dim=-1)

    return slope


def _conservative(config: Config, log_multiplier: Tensor, gap: Tensor) -> tuple[Tensor, Tensor]:
    """The conservative term and the multiplier's loss, [S] each, of the weighted gap [S, 2]."""
    if config.lagrange_gap is None:
        return gap.sum(1), torch.zeros_like(log_multiplier[:, 0])
    excess = gap - config.lagrange_gap
    multiplier = _multiplier(log_multiplier)
    return (multiplier.detach() * excess).sum(1), -0.5 * (multiplier * excess.detach()).sum(1)


def _multiplier(log_multiplier: Tensor) -> Tensor:
    """The multiplier, [S, 1]."""
    return log_multiplier.exp()[:, :1].clamp(0.0, 1e6)


def policy_losses(
    config: Config,
    learner: Learner,
    batch: Batch,
    mean: Tensor,
    log_std: Tensor,
    action: Tensor,
    log_action: Tensor,
    values: Tensor,
    step: int,
) -> tuple[Tensor, Tensor]:
    """alpha log pi(a|s) - min_j Q_j(s, a), and the temperature's loss, [S] each.

    `regression`: -1[A(s, a_data) > 0] log pi(a_data|s) instead, and the temperature rests.
    A(s, a) = min_j Q_j(s, a) - mean of min_j Q_j(s, a') over the n proposals a' ~ pi(.|s); `values`
    [S, 2, M, 3n + 1] are those of the proposals and, last, of the data's action.

    In the first `cloning_steps` steps the policy is cloned instead, -log pi(a_data|s), and the
    temperature rests. The official warm-up keeps its entropy term; with it the temperature rises
    while the policy is held broad, and the critic values actions that nobody takes [ours].
    The temperature's target entropy is -A.
    """
    log_temperature = learner.log_temperature[:, 0]
    if step < config.cloning_steps:
        return actor_critic.cloning(mean, log_std, batch), torch.zeros_like(log_temperature)
    if config.policy_improvement == "regression":
        least, count = values.amin(1), config.actions
        advantage = least[..., -1] - least[..., count : 2 * count].mean(-1)
        better = replace(batch, weight=batch.weight * (advantage > 0.0))
        return actor_critic.cloning(mean, log_std, better), torch.zeros_like(log_temperature)
    goal = actor_critic.improvement_goal(learner.critic, batch.states, action)
    temperature = learner.log_temperature.exp()[:, :1].detach()
    policy = (batch.weight * (temperature * log_action - goal)).mean(-1)
    entropy_gap = log_action.detach() - batch.actions.shape[-1]
    return policy, -log_temperature * (batch.weight * entropy_gap).mean(-1)


after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
