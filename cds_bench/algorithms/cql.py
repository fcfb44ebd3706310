"""Conservative Q-learning (Kumar et al. 2020) with weighted transitions.

This is SAC with two critics. Each critic has, for each transition, the additional loss

    alpha_cql (logsumexp_a' (Q(s, a') - log mu(a')) - Q(s, a)).

The actions a' are n actions from each of the uniform distribution, pi(.|s) and pi(.|s'), all
evaluated at s. As in the official code, the temperature is 1, the log-probabilities are detached,
the data's action is not in the logsumexp, there is no log N term, and the backup has no entropy
term. Weights multiply the temporal difference, both parts of the conservative term, and the
policy's loss. Sums are divided by the batch size.

The policy follows the critics' gradient, as in SAC. With `policy_improvement: regression` it is
regressed on those actions of the data that the critics prefer to its own. This is the binary form
of critic regularised regression (CRR, Wang et al. 2020) on CQL's critics [ours]. The policy then
stays close to the data's actions. It can learn even if the critics are too rough for gradient
ascent.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.algorithms.gradients import known_loss, value_gradients
from cds_bench.noise import Noise
from cds_bench.ranges import Count, Discount, NonNegative, Positive, Rate, Steps
from cds_bench.records import LANES, Batch, Parameters, Sizes


@dataclass(frozen=True)
class Config:
    alpha: NonNegative = 5.0  # weight of the conservative term
    actions: Count = 10  # n, from each of the three proposals
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 3e-4
    policy_learning_rate: Positive = 1e-4
    temperature_learning_rate: Positive = 1e-4
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0
    cloning_steps: Steps = 0  # for this many first steps, the policy's loss is behaviour cloning
    cloning_learning_rate: Positive = 1e-3  # of the policy in those steps
    # The policy climbs min_j Q_j, or it clones the data's actions that have a positive advantage.
    policy_improvement: Literal["gradient", "regression"] = "gradient"
    backup_actions: Count = 1  # the backup takes the maximum over this many a' ~ pi(.|s')
    # A number selects the Lagrange version. Its multiplier is adapted until the gap *weighted by*
    # alpha equals this number: multiplier (alpha gap - lagrange_gap), the official convention.
    lagrange_gap: float | None = None


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, and the target critic with its encoder."""

    critic: Parameters
    target: Parameters
    policy: Parameters
    encoder: Parameters  # trained by the critics; empty if observations are vectors
    target_encoder: Parameters
    log_temperature: Tensor  # [S, LANES]; only the first column is used
    log_multiplier: Tensor  # likewise; used by the Lagrange version


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M].

    total: the scalar to differentiate. Each term reaches only its own parameters.
    """

    temporal_difference: Tensor
    conservative: Tensor
    policy: Tensor
    temperature: Tensor
    multiplier: Tensor
    q_data: Tensor = field(repr=False)
    total: Tensor = field(repr=False)


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    return Learner(
        **actor_critic.initialise(generators, sizes, device),
        log_temperature=torch.zeros(sizes.seeds, LANES, device=device),
        log_multiplier=torch.zeros(sizes.seeds, LANES, device=device),
    )


def groups(learner: Learner) -> list[list[Tensor]]:
    """The parameter groups of the optimiser: critics with their encoder, policies, temperatures."""
    critics, policies = actor_critic.groups(learner)
    return [[*critics, learner.log_multiplier], policies, [learner.log_temperature]]


def before_step(config: Config, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rate of each of the `groups`.

    When cloning ends, Adam forgets the policy's moments. The gradient of the likelihood is so much
    smaller than that of Q that the first steps would otherwise be tens of times too long.
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
    """Every loss term of one step. `step` counts from 0."""
    rows, size = batch.actions.shape[1:]
    n, backups = config.actions, config.backup_actions
    # The likelihood trains the encoder of pictures as well, before the critics alone do so [ours].
    states = batch.states if step < config.cloning_steps else batch.states.detach()
    moments = networks.policy_distribution(learner.policy, states)
    # [S, M, n + 1, A] and [S, M, n + 1]: n proposals, and the action of the policy's own loss
    policy_actions, log_probs = networks.sample(*moments, noise.normal(rows, n + 1, size))
    with torch.no_grad():
        next_moments = networks.policy_distribution(learner.policy, batch.next_states)
        # [S, M, n + backups, A]: n proposals, then the actions of the backup
        next_policy_actions, next_log_probs = networks.sample(
            *next_moments, noise.normal(rows, n + backups, size)
        )
        target = backup_target(config, learner, batch, next_policy_actions[:, :, n:])
        uniform_actions = noise.uniform(rows, n, size) * 2.0 - 1.0
        proposals = [uniform_actions, policy_actions[:, :, :n], next_policy_actions[:, :, :n]]
        actions = torch.cat([*proposals, batch.actions.unsqueeze(2)], dim=2)  # [S, M, 3n + 1, A]
        uniform_log_probs = torch.full_like(log_probs[:, :, :n], -size * math.log(2.0))
        log_densities = torch.cat(
            [uniform_log_probs, log_probs[:, :, :n], next_log_probs[:, :, :n]], dim=2
        )  # [S, M, 3n]

    values, critic, temporal_difference, conservative = critic_losses(
        config, learner, batch, actions, log_densities, target
    )
    policy = policy_loss(
        config, learner, batch, moments, policy_actions[:, :, n:], log_probs[:, :, n], values, step
    )
    temperature = temperature_loss(config, learner, batch, log_probs[:, :, n], step)
    multiplier = multiplier_loss(config, conservative)
    return Terms(
        temporal_difference=temporal_difference,
        conservative=conservative.detach(),
        policy=policy,
        temperature=temperature,
        multiplier=multiplier,
        q_data=values[..., -1].mean(1),
        total=critic + (policy + temperature + multiplier).sum(),
    )


def critic_loss(
    config: Config,
    values: Tensor,
    log_densities: Tensor,
    target: Tensor,
    weight: Tensor,
    multiplier: Tensor,
) -> tuple[Tensor, Tensor]:
    """The temporal difference and the conservative term of each transition, [..., M] each:

        w (Q(s, a) - y)^2,
        w alpha (logsumexp_a' (Q(s, a') - log mu(a')) - Q(s, a)).

    The Lagrange version replaces the second term by the multiplier times w (alpha (...) -
    lagrange_gap), so that a transition of weight 0 does not move the multiplier.

    values [..., M, 3n + 1]: Q of the proposals a' and, last, of the data's action; log_densities
    [..., M, 3n]: log mu(a'); target y, weight w and multiplier [..., M].
    """
    q_data = values[..., -1]
    gap = (values[..., :-1] - log_densities).logsumexp(-1) - q_data
    conservative = config.alpha * weight * gap
    if config.lagrange_gap is not None:
        conservative = multiplier * (conservative - weight * config.lagrange_gap)
    return weight * (q_data - target).square(), conservative


def critic_losses(
    config: Config,
    learner: Learner,
    batch: Batch,
    actions: Tensor,
    log_densities: Tensor,
    target: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Q of the actions [S, 2, M, 3n + 1], the scalar that trains the critics, and both terms [S].

    The terms are means over the batch and sums over the critics. The conservative term carries a
    gradient for the multiplier only.
    """
    multiplier = learner.log_multiplier.exp()[:, :1].clamp(0.0, 1e6)
    given = [
        x.repeat_interleave(2, dim=0)
        for x in (log_densities, target, batch.weight, multiplier.expand_as(target))
    ]  # [2S, M, 3n] and [2S, M]

    def loss(values: Tensor, stack: slice, rows: slice) -> Tensor:
        block = (x[stack, rows].detach() for x in given)
        return sum(term.sum() for term in critic_loss(config, values, *block)) / target.shape[1]

    values, gradients = value_gradients(learner.critic, batch.states, actions, loss)
    terms = critic_loss(config, values.flatten(0, 1), *given)  # [2S, M]
    temporal_difference, conservative = (x.mean(-1).view(-1, 2).sum(1) for x in terms)
    total = (temporal_difference + conservative.detach()).sum()
    critic = known_loss(total, gradients, learner.critic, batch.states)
    return values, critic, temporal_difference, conservative


def multiplier_loss(config: Config, conservative: Tensor) -> Tensor:
    """-1/2 of the conservative term, [S]. The multiplier maximises what the critics minimise."""
    if config.lagrange_gap is None:
        return torch.zeros_like(conservative)
    return -0.5 * conservative


def backup_target(
    config: Config, learner: Learner, batch: Batch, next_policy_actions: Tensor
) -> Tensor:
    """y = r + gamma (1 - d) max_a' min_j Qtarget_j(s', a'), [S, M], for a' [S, M, backups, A]."""
    values = actor_critic.target_minimum(learner, batch, next_policy_actions)
    return actor_critic.backup(config, batch, values.amax(-1))


def climbs(config: Config, step: int) -> bool:
    """Whether the policy follows the critics' gradient in this step; otherwise it clones."""
    return step >= config.cloning_steps and config.policy_improvement == "gradient"


def policy_loss(
    config: Config,
    learner: Learner,
    batch: Batch,
    moments: tuple[Tensor, Tensor],
    policy_action: Tensor,
    log_prob: Tensor,
    values: Tensor,
    step: int,
) -> Tensor:
    """mean_m w_m (temperature log pi(a|s) - min_j Q_j(s, a)), [S].

    a ~ pi(.|s) is `policy_action` [S, M, 1, A] with log pi(a|s) [S, M]. moments: the mean and the
    log standard deviation of pi, [S, M, A].

    With `regression`, the loss is -1[A(s, a_data) > 0] log pi(a_data|s) instead. The advantage is
    A(s, a) = min_j Q_j(s, a) - mean of min_j Q_j(s, a') over the n proposals a' ~ pi(.|s). `values`
    [S, 2, M, 3n + 1] are those of the proposals and, last, of the data's action.

    In the first `cloning_steps` steps, the loss is that of cloning, -log pi(a_data|s).
    """
    if step < config.cloning_steps:
        return actor_critic.cloning(*moments, batch)
    if config.policy_improvement == "regression":
        least, n = values.amin(1), config.actions  # [S, M, 3n + 1]
        advantage = least[..., -1] - least[..., n : 2 * n].mean(-1)
        better = replace(batch, weight=batch.weight * (advantage > 0.0))
        return actor_critic.cloning(*moments, better)
    goal = actor_critic.improvement_goal(learner.critic, batch.states, policy_action)
    temperature = learner.log_temperature.exp()[:, :1].detach()
    return (batch.weight * (temperature * log_prob - goal)).mean(-1)


def temperature_loss(
    config: Config, learner: Learner, batch: Batch, log_prob: Tensor, step: int
) -> Tensor:
    """-log temperature mean_m w_m (log pi(a|s) - A), [S], for the target entropy -A.

    The temperature does not change while the policy clones [ours]. The official warm-up keeps its
    entropy term. With that term the policy stays broad, the temperature rises, and the critic
    values actions that nobody takes.
    """
    log_temperature = learner.log_temperature[:, 0]
    if not climbs(config, step):
        return torch.zeros_like(log_temperature)
    entropy_gap = log_prob.detach() - batch.actions.shape[-1]
    return -log_temperature * (batch.weight * entropy_gap).mean(-1)


after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
