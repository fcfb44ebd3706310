"""Behaviour-regularised actor critic (Wu et al. 2019), every per-transition term weighted.

For the first `cloning_steps` steps the policy pi is cloned on the weighted effective data, and the
critics evaluate it. It is then copied into the behaviour b, which rests, and with

    D(s) = mean over `samples` a ~ pi(.|s) of log pi(a|s) - log b(a|s)

the actor minimises alpha D(s) - min_j Q_j(s, a) and the critics meet

    y = r + gamma (1 - d) (min_j Qtarget_j(s', a') - alpha D(s')),  a' ~ pi(.|s').

That is BRAC-v, with the sample estimate of the KL divergence; without the penalty in the backup it
is BRAC-p [code]. The official code trains b beforehand and the policy from scratch, by D alone for
its first steps; here the policy starts at b, which is where that warm start leads [ours]. Weights
multiply the temporal difference, the likelihood and the actor's loss; sums are divided by the batch
size.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.noise import Noise
from cds_bench.ranges import Count, Discount, NonNegative, Positive, Rate, Steps
from cds_bench.records import Batch, Parameters, Sizes

# Actions are pulled this far inside (-1, 1) before log b [code]. The data's margin in `networks`
# is wider; with it, any action of the policy beyond it would be as likely to b as one at the edge.
SAMPLE_MARGIN = 1e-3


@dataclass(frozen=True)
class Config:
    alpha: NonNegative = 1.0  # weight of the divergence, in actor and backup
    samples: Count = 4  # actions that estimate D(s)
    value_penalty: bool = True  # BRAC-v: the backup is penalised too; without it, BRAC-p
    # A tenth of 500,000 steps [ours]: with 256 transitions per task, some 130 passes over a task's
    # 1e5 transitions. The critics evaluate b by then, so that the policy improves on it at once.
    cloning_steps: Steps = 50_000
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 1e-3
    policy_learning_rate: Positive = 3e-4
    cloning_learning_rate: Positive = 1e-3  # the policy's, in the first `cloning_steps`
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, the target critic that follows, and b that rests."""

    critic: Parameters
    target: Parameters
    policy: Parameters
    behaviour: Parameters  # of meaning from step `cloning_steps` on


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the mean of Q on the data per row, [S, M].

    divergence: mean_m w_m D(s_m), for the record; alpha D enters through the policy's term.
    """

    temporal_difference: Tensor
    policy: Tensor
    divergence: Tensor
    q_data: Tensor = field(repr=False)

    @property
    def total(self) -> Tensor:
        """The scalar to differentiate: each term reaches its own parameters alone."""
        return (self.temporal_difference + self.policy).sum()


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters, seed by seed from its own generator."""
    critic = networks.initialise_critic(generators, sizes, device)
    policy = networks.initialise_policy(generators, sizes, device)
    return Learner(
        critic=critic,
        target={name: value.clone() for name, value in critic.items()},
        policy=policy,
        behaviour={name: value.clone() for name, value in policy.items()},
    )


def groups(learner: Learner) -> list[list[Tensor]]:
    """What the one optimiser trains: critics, policies."""
    return [list(learner.critic.values()), list(learner.policy.values())]


def before_step(config: Config, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rate of each of the `groups`.

    When cloning ends, Adam forgets the policy's moments: those of the likelihood's gradient are
    of another scale than Q's.
    """
    critics, policies = optimiser.param_groups
    cloning = step < config.cloning_steps
    critics["lr"] = config.critic_learning_rate
    policies["lr"] = config.cloning_learning_rate if cloning else config.policy_learning_rate
    if step == config.cloning_steps:
        for parameter in policies["params"]:
            optimiser.state.pop(parameter, None)


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step; `step` counts from 0. At `cloning_steps` b becomes pi."""
    if step == config.cloning_steps:
        freeze(learner)
    cloning = step < config.cloning_steps
    target = backup(config, learner, batch, noise, penalised=config.value_penalty and not cloning)
    q_data = networks.q_values(learner.critic, batch.states, batch.actions.unsqueeze(2)).squeeze(-1)
    if cloning:
        mean, log_std = networks.policy_distribution(learner.policy, batch.states)
        policy = actor_critic.cloning(mean, log_std, batch)
        distance = torch.zeros_like(policy)
    else:
        policy, distance = policy_losses(config, learner, batch, noise)
    return Terms(
        temporal_difference=actor_critic.temporal_difference(q_data, target, batch.weight),
        policy=policy,
        divergence=distance,
        q_data=q_data.detach().mean(1),
    )


@torch.no_grad()
def freeze(learner: Learner) -> None:
    """b = pi, in place."""
    torch._foreach_copy_(list(learner.behaviour.values()), list(learner.policy.values()))


def divergence(
    behaviour: Parameters, states: Tensor, actions: Tensor, log_actions: Tensor
) -> Tensor:
    """D(s) = mean_k log pi(a_k|s) - log b(a_k|s), [S, M].

    states [S, M, O+T]; actions [S, M, K, A], of pi, with log_actions = log pi [S, M, K]. log b is
    of actions SAMPLE_MARGIN inside (-1, 1), log pi of the actions as they are [code]: an action
    beyond the margin costs more than under an equal b, which keeps the policy from saturating.
    """
    mean, log_std = (x.unsqueeze(2) for x in networks.policy_distribution(behaviour, states))
    limit = 1.0 - SAMPLE_MARGIN
    before = actions.clamp(-limit, limit).atanh()
    normal = (before - mean) * (-log_std).exp()
    return (log_actions - networks._log_density(mean, log_std, before, normal)).mean(-1)


@torch.no_grad()
def backup(config: Config, learner: Learner, batch: Batch, noise: Noise, penalised: bool) -> Tensor:
    """y = r + gamma (1 - d) (min_j Qtarget_j(s', a') - alpha D(s')), [S, M]; or without D."""
    rows, size = batch.actions.shape[1:]
    next_moments = networks.policy_distribution(learner.policy, batch.next_states)
    next_policy_actions, _ = networks.sample(*next_moments, noise.normal(rows, 1, size))
    next_values = actor_critic.minimum(learner.target, batch.next_states, next_policy_actions)
    next_values = next_values.squeeze(-1)
    if penalised:
        samples = networks.sample(*next_moments, noise.normal(rows, config.samples, size))
        distance = divergence(learner.behaviour, batch.next_states, *samples)
        next_values = next_values - config.alpha * distance
    return actor_critic.backup(config, batch, next_values)


def policy_losses(
    config: Config, learner: Learner, batch: Batch, noise: Noise
) -> tuple[Tensor, Tensor]:
    """mean_m w_m (alpha D(s_m) - min_j Q_j(s_m, a)), a ~ pi, and mean_m w_m D(s_m), [S] each."""
    rows, size = batch.actions.shape[1:]
    moments = networks.policy_distribution(learner.policy, batch.states)
    policy_actions, _ = networks.sample(*moments, noise.normal(rows, 1, size))
    samples = networks.sample(*moments, noise.normal(rows, config.samples, size))
    distance = divergence(learner.behaviour, batch.states, *samples)
    goal = actor_critic.improvement_goal(learner.critic, batch.states, policy_actions)
    policy = (batch.weight * (config.alpha * distance - goal)).mean(-1)
    return policy, (batch.weight * distance.detach()).mean(-1)


after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
