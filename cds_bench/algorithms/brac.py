"""Behaviour-regularised actor critic (Wu et al. 2019) with weighted transitions.

For the first `cloning_steps` steps, the policy pi is cloned on the weighted effective data, and the
critics evaluate it. The policy is then copied into the behaviour b, which stays fixed. With

    D(s) = mean over `samples` a ~ pi(.|s) of log pi(a|s) - log b(a|s)

the actor minimises alpha D(s) - min_j Q_j(s, a), and the critics are regressed on

    y = r + gamma (1 - d) (min_j Qtarget_j(s', a') - alpha D(s')),  a' ~ pi(.|s').

This is BRAC-v with the sample estimate of the KL divergence. Without the penalty in the backup it
is BRAC-p [code]. The official code trains b beforehand. It trains the policy from scratch, on D
alone in the first steps. Here the policy starts at b, where that warm start leads to [ours].
Weights multiply the temporal difference, the likelihood and the actor's loss. Sums are divided by
the batch size.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.algorithms.encoder import as_seen
from cds_bench.noise import Noise
from cds_bench.ranges import Count, Discount, NonNegative, Positive, Rate, Steps
from cds_bench.records import Batch, Parameters, Sizes

# Actions are clipped to lie this far inside (-1, 1) before log b is computed [code]. The margin for
# data actions in `networks` is wider. With that margin, b would give every action beyond it the
# same likelihood as an action at its edge.
SAMPLE_MARGIN = 1e-3


@dataclass(frozen=True)
class Config:
    alpha: NonNegative = 1.0  # weight of the divergence, in actor and backup
    samples: Count = 4  # actions that estimate D(s)
    value_penalty: bool = True  # BRAC-v: the backup is penalised too; False is BRAC-p
    # A tenth of 500,000 steps [ours]. With 256 transitions per task, these are about 130 passes
    # over a task's 1e5 transitions. After them the critics can evaluate b, so the policy improves
    # on it at once.
    cloning_steps: Steps = 50_000
    discount: Discount = 0.99
    target_rate: Rate = 0.005
    critic_learning_rate: Positive = 1e-3
    policy_learning_rate: Positive = 3e-4
    cloning_learning_rate: Positive = 1e-3  # of the policy in the first `cloning_steps`
    reward_scale: Positive = 1.0  # rewards are scale r + shift, after relabelling
    reward_shift: float = 0.0


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, the target critic, and the fixed behaviour b.

    The critics train the encoder, and the policy uses its features without gradient.
    """

    critic: Parameters
    target: Parameters
    policy: Parameters
    encoder: Parameters  # trained by the critics; empty if observations are vectors
    target_encoder: Parameters
    behaviour: Parameters  # meaningful from step `cloning_steps` on
    behaviour_encoder: Parameters  # as fixed as b, because features go on changing


@dataclass(frozen=True)
class Terms:
    """Loss terms per seed, [S] each, and the critics' mean Q of each transition, [S, M].

    divergence: mean_m w_m D(s_m). It is only recorded; the policy's term contains alpha D.
    """

    temporal_difference: Tensor
    policy: Tensor
    divergence: Tensor
    q_data: Tensor = field(repr=False)

    @property
    def total(self) -> Tensor:
        """The scalar to differentiate. Each term reaches only its own parameters."""
        return (self.temporal_difference + self.policy).sum()


def initialise(generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
    """Fresh parameters. Each seed's come from its own generator."""
    common = actor_critic.initialise(generators, sizes, device)
    return Learner(
        **common,
        behaviour=actor_critic.copied(common["policy"]),
        behaviour_encoder=actor_critic.copied(common["encoder"]),
    )


def before_step(config: Config, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rate of each of the `groups`.

    When cloning ends, Adam forgets the policy's moments, because the gradient of the likelihood has
    another scale than that of Q.
    """
    critics, policies = optimiser.param_groups
    cloning = step < config.cloning_steps
    critics["lr"] = config.critic_learning_rate
    policies["lr"] = config.cloning_learning_rate if cloning else config.policy_learning_rate
    if step == config.cloning_steps:
        for parameter in policies["params"]:
            optimiser.state.pop(parameter, None)


def losses(config: Config, learner: Learner, batch: Batch, noise: Noise, step: int) -> Terms:
    """Every loss term of one step. `step` counts from 0. At `cloning_steps`, pi is copied to b."""
    if step == config.cloning_steps:
        freeze(learner)
    cloning = step < config.cloning_steps
    target = backup(config, learner, batch, noise, penalised=config.value_penalty and not cloning)
    q_data = networks.q_values(learner.critic, batch.states, batch.actions.unsqueeze(2)).squeeze(-1)
    if cloning:
        mean, log_std = networks.policy_distribution(learner.policy, batch.states.detach())
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
    """Copies pi and the encoder into b in place."""
    torch._foreach_copy_(
        [*learner.behaviour.values(), *learner.behaviour_encoder.values()],
        [*learner.policy.values(), *learner.encoder.values()],
    )


def divergence(
    behaviour: Parameters, states: Tensor, actions: Tensor, log_actions: Tensor
) -> Tensor:
    """D(s) = mean_k log pi(a_k|s) - log b(a_k|s), [S, M].

    states [S, M, O+T]; actions [S, M, K, A], of pi, with log_actions = log pi [S, M, K]. Actions
    are clipped to SAMPLE_MARGIN inside (-1, 1) for log b, but not for log pi [code]. An action
    beyond the margin therefore costs something even if b equals pi, which keeps the policy from
    saturating.
    """
    mean, log_std = (x.unsqueeze(2) for x in networks.policy_distribution(behaviour, states))
    limit = 1.0 - SAMPLE_MARGIN
    before = actions.clamp(-limit, limit).atanh()
    normal = (before - mean) * (-log_std).exp()
    return (log_actions - networks._log_density(mean, log_std, before, normal)).mean(-1)


@torch.no_grad()
def backup(config: Config, learner: Learner, batch: Batch, noise: Noise, penalised: bool) -> Tensor:
    """y = r + gamma (1 - d) (min_j Qtarget_j(s', a') - alpha D(s')), [S, M]; D if `penalised`."""
    rows, size = batch.actions.shape[1:]
    next_moments = networks.policy_distribution(learner.policy, batch.next_states)
    next_policy_actions, _ = networks.sample(*next_moments, noise.normal(rows, 1, size))
    next_values = actor_critic.target_minimum(learner, batch, next_policy_actions).squeeze(-1)
    if penalised:
        samples = networks.sample(*next_moments, noise.normal(rows, config.samples, size))
        seen = as_seen(learner.behaviour_encoder, batch.next_states, batch.next_pictures)
        distance = divergence(learner.behaviour, seen, *samples)
        next_values = next_values - config.alpha * distance
    return actor_critic.backup(config, batch, next_values)


def policy_losses(
    config: Config, learner: Learner, batch: Batch, noise: Noise
) -> tuple[Tensor, Tensor]:
    """mean_m w_m (alpha D(s_m) - min_j Q_j(s_m, a)) for a ~ pi, and mean_m w_m D(s_m); [S] each."""
    rows, size = batch.actions.shape[1:]
    moments = networks.policy_distribution(learner.policy, batch.states.detach())
    policy_actions, _ = networks.sample(*moments, noise.normal(rows, 1, size))
    samples = networks.sample(*moments, noise.normal(rows, config.samples, size))
    seen = as_seen(learner.behaviour_encoder, batch.states.detach(), batch.pictures)
    distance = divergence(learner.behaviour, seen, *samples)
    goal = actor_critic.improvement_goal(learner.critic, batch.states, policy_actions)
    policy = (batch.weight * (config.alpha * distance - goal)).mean(-1)
    return policy, (batch.weight * distance.detach()).mean(-1)


groups = actor_critic.groups
after_step = actor_critic.after_step
value = actor_critic.value
soft_backup = actor_critic.soft_backup
