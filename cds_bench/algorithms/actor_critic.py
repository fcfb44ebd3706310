"""The common parts of algorithms with several critics: backup, weighted losses, critic's view.

`config` and `learner` belong to the algorithm; `cds_bench.contracts` describes them.
"""

from typing import Protocol

import torch
from torch import Tensor

from cds_bench.algorithms import gradients, networks
from cds_bench.algorithms.encoder import as_seen, initialise_encoder
from cds_bench.contracts import AlgorithmConfig, Learner
from cds_bench.records import Batch, Parameters, Sizes


class LearningRates(Protocol):
    """The options that `before_step` reads."""

    critic_learning_rate: float
    policy_learning_rate: float


def initialise(
    generators: list[torch.Generator], sizes: Sizes, device: str, critics: int = 2
) -> dict[str, Parameters]:
    """Fresh parameters for the fields that every `contracts.Learner` has, by field.

    Each seed's come from its own generator. The targets are copies.
    """
    critic = networks.initialise_critic(generators, sizes, device, critics)
    policy = networks.initialise_policy(generators, sizes, device)
    encoder = initialise_encoder(generators, sizes.picture, device)
    return {
        "critic": critic,
        "target": copied(critic),
        "policy": policy,
        "encoder": encoder,
        "target_encoder": copied(encoder),
    }


def copied(parameters: Parameters) -> Parameters:
    """The same parameters in memory of their own."""
    return {name: value.clone() for name, value in parameters.items()}


def groups(learner: Learner) -> list[list[Tensor]]:
    """The parameter groups of the optimiser: critics with their encoder, policies."""
    critics = [*learner.critic.values(), *learner.encoder.values()]
    return [critics, list(learner.policy.values())]


def before_step(config: LearningRates, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Sets the learning rates of two groups, those of the critics and those of the policies."""
    critics, policies = optimiser.param_groups
    critics["lr"] = config.critic_learning_rate
    policies["lr"] = config.policy_learning_rate


def minimum(critic: Parameters, states: Tensor, actions: Tensor) -> Tensor:
    """min_j Q_j(s, a), [S, M, K], for states [S, M, O+T] and actions [S, M, K, A]; no gradient."""
    return gradients.values(critic, states, actions).amin(1)


@torch.no_grad()
def target_minimum(learner: Learner, batch: Batch, next_actions: Tensor) -> Tensor:
    """min_j Qtarget_j(s', a'), [S, M, K], for a' [S, M, K, A]; no gradient.

    The target critic has its own encoder, which follows the critic's like the rest of it, as in DrQ
    [ours].
    """
    states = as_seen(learner.target_encoder, batch.next_states, batch.next_pictures)
    return minimum(learner.target, states, next_actions)


def backup(config: AlgorithmConfig, batch: Batch, next_values: Tensor) -> Tensor:
    """y = r + gamma (1 - d) V(s'), [S, M], from the values V(s') [S, M].

    r is the relabelled reward after the affine map `reward_scale` r + `reward_shift`; gamma is the
    `discount`.
    """
    rewards = config.reward_scale * batch.rewards + config.reward_shift
    return rewards + config.discount * (1.0 - batch.terminals) * next_values


def temporal_difference(q_data: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """sum_j mean_m w_m (Q_j(s_m, a_m) - y_m)^2, [S]; q_data [S, C, M], target and weight [S, M]."""
    return weighted((q_data - target.unsqueeze(1)).square(), weight)


def weighted(errors: Tensor, weight: Tensor) -> Tensor:
    """sum_k mean_m w_m e_km, [S], for errors [S, C, M] of C critics and weights [S, M]."""
    return (weight.unsqueeze(1) * errors).mean(-1).sum(1)


def cloning(mean: Tensor, log_std: Tensor, batch: Batch) -> Tensor:
    """-mean_m w_m log pi(a_m|s_m), [S], of the policy with mean and log_std [S, M, A].

    The value is that of the likelihood. Its gradient is multiplied by the variance, dimension by
    dimension (beta-NLL with beta = 1, Seitzer et al. 2022). The mean then follows the squared
    error. The plain likelihood sharpens where the fit is already good and neglects the rest. On
    Walker2d's medium data, clones trained with it fell early with some seeds only.
    """
    variance = (2.0 * log_std.detach()).exp()
    mean, log_std = (each.detach() + variance * (each - each.detach()) for each in (mean, log_std))
    return -(batch.weight * networks.log_prob(mean, log_std, batch.actions)).mean(-1)


def improvement_goal(critic: Parameters, states: Tensor, actions: Tensor) -> Tensor:
    """min_j Q_j(s, a), [S, M], for actions [S, M, 1, A]. Only the actions receive its gradient."""
    fixed = {name: value.detach() for name, value in critic.items()}
    return networks.q_values(fixed, states.detach(), actions).amin(1).squeeze(-1)


@torch.no_grad()
def after_step(config: AlgorithmConfig, learner: Learner) -> None:
    """Moves the target critic and its encoder: target += `target_rate` (critic - target)."""
    torch._foreach_lerp_(
        [*learner.target.values(), *learner.target_encoder.values()],
        [*learner.critic.values(), *learner.encoder.values()],
        config.target_rate,
    )


@torch.no_grad()
def value(learner: Learner, states: Tensor, actions: Tensor) -> Tensor:
    """Qhat(s, a) = min_j Q_j(s, a), [S, M], for states [S, M, O+T] and actions [S, M, A]."""
    return minimum(learner.critic, states, actions.unsqueeze(2)).squeeze(-1)


@torch.no_grad()
def soft_backup(config: AlgorithmConfig, learner: Learner, batch: Batch, noise: Tensor) -> Tensor:
    """r - log pi(a|s) + gamma (1 - d) min_j Q_j(s', a' ~ pi), [S, M]; noise [S, M, 1, A]."""
    moments = networks.policy_distribution(learner.policy, batch.states)
    next_moments = networks.policy_distribution(learner.policy, batch.next_states)
    next_policy_actions, _ = networks.sample(*next_moments, noise)
    next_values = minimum(learner.critic, batch.next_states, next_policy_actions).squeeze(-1)
    return backup(config, batch, next_values) - networks.log_prob(*moments, batch.actions)
