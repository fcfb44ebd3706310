"""The small typed records that training, algorithms and sharing strategies exchange.

Letters in shapes: S seeds of a job, T tasks, B transitions per task, M = T B, O observation,
A action. The leading dimension of every tensor is the seed. The seeds of a job never mix.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

Parameters = dict[str, Tensor]

# The number of floats that an elementwise kernel processes at a time: two of the widest vector
# registers. If each seed's slice is a multiple of this, results are bitwise independent of
# stacking.
LANES = 32


@dataclass(frozen=True)
class Sizes:
    """The dimensions that determine the shapes of the parameters."""

    seeds: int
    tasks: int
    observation: int
    action: int
    hidden: tuple[int, ...]
    layer_norm: bool = False  # whether the critics' hidden layers are normalised
    picture: tuple[int, int, int] | None = None  # the shape of observed pictures


@dataclass(frozen=True)
class Offer:
    """The transitions that are offered to each task, on which a sharing strategy decides.

    source, task: [S, T, B] int64. The transition was collected for `source` and is offered to
    `task`. own: bool [S, T, B], whether the two are the same. tasks: the names of the tasks.
    """

    source: Tensor
    task: Tensor
    own: Tensor
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Critic:
    """The conservative critic's view of the offered transitions, without gradient.

    Each function maps task [S, T, B] to [S, T, B].
    value(task): Qhat(s, a, task), the minimum over the critics.
    returns(task): the Monte Carlo return-to-go of (s, a) under `task` in its own episode, in the
        units of `value`. It comes from the data alone; no critic estimates it.
    backup(task): r_task - log pi(a|s,task) + gamma (1 - d_task) Qhat(s', a' ~ pi, task).
    """

    value: Callable[[Tensor], Tensor]
    backup: Callable[[Tensor], Tensor]
    returns: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Sharing:
    """A strategy's decision, which defines the effective data.

    weight: [S, T, B] in [0, 1]; 1 on a task's own transitions.
    task: [S, T, B] int64 if the strategy re-assigns transitions, else None.
    unlabelled: bool [S, T, B], or None. These transitions come without their reward. They get the
        lowest reward of the task instead, min(0, min over its own data). Their termination stays.
    state: what the strategy carries to the next step, [S, ...], or None.
    diagnostics: named tensors [S, ...] for the metrics. Their quantiles are recorded without NaN.
        If a tensor has one element per seed and task, the value itself is recorded.
    """

    weight: Tensor
    task: Tensor | None = None
    unlabelled: Tensor | None = None
    state: Tensor | None = None
    diagnostics: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Relabelled transitions as an algorithm sees them, one row each.

    states, next_states: [S, M, O + T], observations that are normalised for the task, with its
    one-hot vector appended; actions: [S, M, A]; rewards, terminals, weight: [S, M].

    If observations are pictures, states have the features of the learner's encoder in their place.
    Only `states` carries a gradient. pictures, next_pictures: uint8 [S, M, height, width, 3], for
    other encoders; None for vectors.
    """

    states: Tensor
    actions: Tensor
    next_states: Tensor
    rewards: Tensor
    terminals: Tensor
    weight: Tensor
    pictures: Tensor | None = None
    next_pictures: Tensor | None = None
