"""The common parts of algorithms with a deterministic policy, as in TD3 (Fujimoto et al. 2018).

The policy is pi(s) = tanh(mean(s)), the mean of the project's tanh-Gaussian. Nothing trains its log
standard deviation. It is the constant log STANDARD_DEVIATION [ours], so that what needs a
distribution has one: a soft backup, and the divergence of a policy from its data. That divergence
compares strategies with each other. It does not compare such an algorithm with one that has a
trained deviation.

The policy learns in every `policy_delay`-th step only. In the other steps its loss is recorded, but
the total leaves it out. Its parameters then have no gradient, so the optimiser passes over them:
they, their moments and their count of steps stay as they are. A learning rate of 0 would let the
moments go on.

`config` belongs to the algorithm. The target policy lags behind the policy as the target critic
does behind the critic. It sees the features of the target encoder.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cds_bench.algorithms import actor_critic, networks
from cds_bench.algorithms.encoder import as_seen
from cds_bench.contracts import AlgorithmConfig
from cds_bench.noise import Noise
from cds_bench.records import Batch, Parameters, Sizes

STANDARD_DEVIATION = 0.2  # before tanh; that of the target policy's noise in TD3


class DeterministicConfig(AlgorithmConfig, Protocol):
    """The options that the functions below read."""

    policy_noise: float
    noise_clip: float
    policy_delay: int


@dataclass(frozen=True)
class Learner:
    """Every trained tensor of a job, stacked, and the targets.

    The critics train the encoder, and the policy uses its features without gradient.
    """

    critic: Parameters
    target: Parameters
    policy: Parameters
    target_policy: Parameters
    encoder: Parameters  # trained by the critics; empty if observations are vectors
    target_encoder: Parameters


def initialise_learner(
    generators: list[torch.Generator], sizes: Sizes, device: str, critics: int
) -> Learner:
    """Fresh parameters with so many critics per seed. Each seed's come from its own generator."""
    common = actor_critic.initialise(generators, sizes, device, critics)
    policy, size = common["policy"], sizes.action
    last = networks.depth(policy) - 1
    policy[f"w{last}"][..., size:] = 0.0
    policy[f"b{last}"][..., size : 2 * size] = torch.tensor(STANDARD_DEVIATION).log()
    return Learner(**common, target_policy=actor_critic.copied(policy))


def policy_learns(config: DeterministicConfig, step: int) -> bool:
    """Whether the policy learns in this step: in the last one of every `policy_delay` steps."""
    return step % config.policy_delay == config.policy_delay - 1


def policy_actions(policy: Parameters, states: Tensor) -> Tensor:
    """pi(s) = tanh(mean(s)), [S, M, A], for states [S, M, O+T]."""
    mean, _ = networks.policy_distribution(policy, states)
    return mean.tanh()


def perturbed(actions: Tensor, noise: Tensor, deviation: float, clip: float) -> Tensor:
    """clip(a + clip(deviation noise, -c, c), -1, 1). actions, noise: shapes that broadcast."""
    return (actions + (deviation * noise).clamp(-clip, clip)).clamp(-1.0, 1.0)


@torch.no_grad()
def smoothed_target(
    config: DeterministicConfig, learner: Learner, batch: Batch, noise: Noise
) -> tuple[Tensor, Tensor]:
    """s' as the targets see it, [S, M, F+T], and the target policy's perturbed a' [S, M, 1, A].

    The noise smooths the critics over similar actions: `policy_noise` times a standard normal,
    clipped to `noise_clip`.
    """
    seen = as_seen(learner.target_encoder, batch.next_states, batch.next_pictures)
    actions = policy_actions(learner.target_policy, seen).unsqueeze(2)
    draws = noise.normal(*actions.shape[1:])
    return seen, perturbed(actions, draws, config.policy_noise, config.noise_clip)


@torch.no_grad()
def after_step(config: DeterministicConfig, learner: Learner) -> None:
    """Moves all targets: target += `target_rate` (current - target), in every step.

    The official TD3 moves them in every `policy_delay`-th step only [code]. Here, as with the other
    algorithms, `target_rate` is the rate per step, from which planning computes the horizons.
    """
    actor_critic.after_step(config, learner)
    torch._foreach_lerp_(
        list(learner.target_policy.values()), list(learner.policy.values()), config.target_rate
    )
