"""What an algorithm and a sharing strategy must offer to training: modules that are found by name.

Letters of the shapes as in `records`: S seeds of a job, T tasks, B transitions per task, M = T B,
O observation, A action. Both kinds of module define `Config`, a frozen dataclass of options that
all have literal defaults: a configuration is checked without importing the module.
"""

import dataclasses
from typing import Literal, Protocol

import torch
from torch import Tensor

from cds_bench.noise import Noise
from cds_bench.records import Batch, Critic, Offer, Parameters, Sharing, Sizes

# How a task's batch is composed; `training.data.offer_rows` describes each.
Composition = Literal["own", "union", "balanced", "balanced_sources"]


class AlgorithmConfig(Protocol):
    """The options that every algorithm has; planning and the returns of the data use them too.

    Critics learn rewards `reward_scale` r + `reward_shift`, after relabelling, at the `discount`;
    the target critic moves by `target_rate` of its distance in each step. The defaults of scale and
    shift are 1 and 0. If an algorithm also has `cloning_steps`, an int, the steps before it are
    timed apart from the others when a profile's hours are planned.
    """

    discount: float
    target_rate: float
    reward_scale: float
    reward_shift: float


class Learner(Protocol):
    """Every trained tensor of a job, and whatever else a checkpoint must hold.

    A dataclass whose fields are tensors or dictionaries of tensors, each stacked over the seeds.
    critic, target: [2S, ...] as `algorithms.networks` has them; policy: [S, ...] likewise. The
    snapshots of a run are copies of the policy.
    """

    critic: Parameters
    target: Parameters
    policy: Parameters


class Terms(Protocol):
    """The loss terms of one step: a dataclass.

    q_data: the mean of the critics' Q at the data's actions, [S, M], without gradient.
    total: the scalar to differentiate; each term reaches its own parameters alone.
    Every other field is a loss term, [S], under whose name it is recorded.
    """

    q_data: Tensor
    total: Tensor


def loss_terms(terms: Terms) -> dict[str, Tensor]:
    """The recorded loss terms by name, [S] each, without gradient."""
    names = [each.name for each in dataclasses.fields(terms)]
    return {n: getattr(terms, n).detach() for n in names if n not in Terms.__annotations__}


class Algorithm(Protocol):
    """A module of `cds_bench.algorithms`: a base offline learner, stacked over the seeds of a job.

    A seed's numbers must not depend on which seeds share its job.
    """

    __name__: str
    Config: type[AlgorithmConfig]

    def initialise(self, generators: list[torch.Generator], sizes: Sizes, device: str) -> Learner:
        """Fresh parameters: those of seed s are drawn from generators[s] alone."""

    def groups(self, learner: Learner) -> list[list[Tensor]]:
        """The trained tensors, each once, in the groups of the one optimiser."""

    def before_step(
        self, config: AlgorithmConfig, optimiser: torch.optim.Optimizer, step: int
    ) -> None:
        """Sets the learning rate of each of the `groups` for a step; steps count from 0."""

    def losses(
        self, config: AlgorithmConfig, learner: Learner, batch: Batch, noise: Noise, step: int
    ) -> Terms:
        """Every loss term of one step; a transition counts by its weight [S, M]."""

    def after_step(self, config: AlgorithmConfig, learner: Learner) -> None:
        """What follows the optimiser's step: the target critic moves."""

    def value(self, learner: Learner, states: Tensor, actions: Tensor) -> Tensor:
        """Qhat(s, a), [S, M], for states [S, M, O+T] and actions [S, M, A]; no gradient."""

    def soft_backup(
        self, config: AlgorithmConfig, learner: Learner, batch: Batch, noise: Tensor
    ) -> Tensor:
        """r - log pi(a|s) + gamma (1 - d) Qhat(s', a' ~ pi), [S, M]; noise normal, [S, M, 1, A]."""


class StrategyConfig(Protocol):
    """The option that every strategy has: how each task's batch is composed."""

    batch: Composition


class Strategy(Protocol):
    """A module of `cds_bench.sharing`: what enters each task's effective data, by which weight.

    A strategy that is a reference and no method also says `REFERENCE = True`: its scores are shown,
    and it is not compared, ranked or counted as a method.
    """

    __name__: str
    Config: type[StrategyConfig]

    def share(
        self,
        config: StrategyConfig,
        offer: Offer,
        critic: Critic,
        uniform: Tensor,
        state: Tensor | None,
    ) -> Sharing:
        """The decision on the offered transitions [S, T, B]: a pure function.

        uniform [S, T, B], on [0, 1), is its only randomness; state is what it returned as
        `Sharing.state` in the step before, None in the first. Weights are in [0, 1], 1 on a task's
        own transitions, and carry no gradient.
        """
