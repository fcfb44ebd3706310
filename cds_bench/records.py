"""The small typed records in which training, algorithms and sharing strategies meet.

Letters of the shapes: S seeds of a job, T tasks, B transitions per task, M = T B, O observation,
A action. Every tensor's leading dimension is the seed: the seeds of a job never mix.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

Parameters = dict[str, Tensor]

# What an elementwise kernel takes in one stride: two of the widest vector registers, in floats.
# Where a seed's part of every tensor is a multiple of it, a seed's bytes do not depend on how many
# seeds are stacked.
LANES = 32


@dataclass(frozen=True)
class Sizes:
    """The dimensions that parameters are made for."""

    seeds: int
    tasks: int
    observation: int
    action: int
    hidden: tuple[int, ...]
    layer_norm: bool = False  # of the critics' hidden layers


@dataclass(frozen=True)
class Offer:
    """What a sharing strategy decides on: transitions offered to each task.

    source, task: [S, T, B] int64, the task that the transition was collected for and the one it is
    offered to; own: bool [S, T, B], whether they are the same; tasks: their names.
    """

    source: Tensor
    task: Tensor
    own: Tensor
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Critic:
    """The conservative critic's view of the offered transitions; no gradient passes.

    value(task): Qhat(s, a, task), the minimum of the two critics, [S, T, B] for task [S, T, B].
    returns(task): the Monte Carlo return-to-go of (s, a) under `task` in the episode that it is
        from, in the units of `value`, likewise; no critic's estimate, known from the data alone.
    backup(task): r_task - log pi(a|s,task) + gamma (1 - d_task) Qhat(s', a' ~ pi, task), likewise.
    """

    value: Callable[[Tensor], Tensor]
    backup: Callable[[Tensor], Tensor]
    returns: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sharing:
    """A strategy's decision: the effective data.

    weight: [S, T, B] in [0, 1]; 1 on a task's own transitions.
    task: [S, T, B] int64 where the strategy re-assigns transitions, else None.
    unlabelled: bool [S, T, B], transitions that come without their reward and get the lowest one
        of the task, min(0, min over its own data), else None. Their termination stays.
    state: what the strategy carries to the next step, [S, ...], or None.
    diagnostics: named tensors [S, ...] for the metrics; their quantiles are recorded (NaN is left
        out), or the value itself where a tensor has one element a seed and task.
    """

    weight: Tensor
    task: Tensor | None = None
    unlabelled: Tensor | None = None
    state: Tensor | None = None
    diagnostics: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Transitions as an algorithm sees them, one row each, already relabelled.

    states, next_states: [S, M, O + T], observations normalised for the task with its one-hot vector
    appended; actions: [S, M, A]; rewards, terminals, weight: [S, M].
    """

    states: Tensor
    actions: Tensor
    next_states: Tensor
    rewards: Tensor
    terminals: Tensor
    weight: Tensor
