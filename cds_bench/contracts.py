"""The interfaces of an algorithm and of a sharing strategy, which are modules found by name.

Shapes use the letters of `records`: S seeds of a job, T tasks, B transitions per task, M = T B,
O observation, A action. Both kinds of module define `Config`, a frozen dataclass of options. Every
option has a literal default, so that a configuration can be checked without importing the module.
"""

import dataclasses
from typing import Literal, Protocol

import torch
from torch import Tensor

from cds_bench.noise import Noise
from cds_bench.records import Batch, Critic, Offer, Parameters, Sharing, Sizes

# How a task's batch is composed. `training.data.offer_rows` describes each way.
Composition = Literal["own", "union", "balanced", "balanced_sources"]


class AlgorithmConfig(Protocol):
    """The options that every algorithm has. Planning and the returns of the data use them too.

    Critics learn the rewards `reward_scale` r + `reward_shift`, which are computed after
    relabelling, with the given `discount`. The defaults of scale and shift are 1 and 0. In each
    step, the target critic and its encoder move by the fraction `target_rate` of their distance to
    the critic and its encoder. An algorithm may also have `cloning_steps`, an int. Planning then
    times the steps before it separately from the others.
    """

    discount: float
    target_rate: float
    reward_scale: float
    reward_shift: float


class Learner(Protocol):
    """Every trained tensor of a job, and whatever else a checkpoint must hold.

    It is a dataclass whose fields are tensors or dictionaries of tensors, stacked over the seeds.
    critic, target: [C S, ...] with C critics per seed, and policy: [S, ...], in the layout of
    `algorithms.networks`.
    encoder, target_encoder: [S, ...], in the layout of `algorithms.encoder`; both are empty unless
    observations are pictures. The snapshots of a run are copies of the policy and the encoder.
    """

    critic: Parameters
    target: Parameters
    policy: Parameters
    encoder: Parameters
    target_encoder: Parameters


class Terms(Protocol):
    """The loss terms of one step: a dataclass.

    q_data: the mean of the critics' Q at the data's actions, [S, M], without gradient.
    total: the scalar to differentiate. Each term reaches only its own parameters.
    Every other field is a loss term, [S], recorded under the name of the field.
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
        """Fresh parameters. Those of seed s are drawn from generators[s] only."""

    def groups(self, learner: Learner) -> list[list[Tensor]]:
        """The trained tensors, each once, as parameter groups of the job's single optimiser."""

    def before_step(
        self, config: AlgorithmConfig, optimiser: torch.optim.Optimizer, step: int
    ) -> None:
        """Sets the learning rate of each of the `groups` for a step; steps count from 0."""

    def losses(
        self, config: AlgorithmConfig, learner: Learner, batch: Batch, noise: Noise, step: int
    ) -> Terms:
        """Every loss term of one step. Transitions are weighted by `batch.weight`, [S, M]."""

    def after_step(self, config: AlgorithmConfig, learner: Learner) -> None:
        """Moves the target critic after the optimiser's step."""

    def value(self, learner: Learner, states: Tensor, actions: Tensor) -> Tensor:
        """Qhat(s, a), [S, M], for states [S, M, O+T] and actions [S, M, A]; no gradient."""

    def soft_backup(
        self, config: AlgorithmConfig, learner: Learner, batch: Batch, noise: Tensor
    ) -> Tensor:
        """r - log pi(a|s) + gamma (1 - d) Qhat(s', a' ~ pi), [S, M]; noise normal, [S, M, 1, A]."""


class StrategyConfig(Protocol):
    """The option that every strategy has. It says how each task's batch is composed."""

    batch: Composition


class Strategy(Protocol):
    """A module of `cds_bench.sharing`: it decides each task's effective data and their weights.

    A strategy that is a reference and not a method also defines `REFERENCE = True`. Its scores are
    shown, but it is not compared, ranked or counted as a method.
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
        """Decides on the offered transitions [S, T, B]. This is a pure function.

        Its only source of randomness is uniform, [S, T, B], on [0, 1). state is the `Sharing.state`
        that it returned in the previous step, and None in the first step. Weights are in [0, 1] and
        carry no gradient. A task's own transitions have weight 1.
        """
