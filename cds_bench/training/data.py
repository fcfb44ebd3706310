"""The pool on the device: sampling of offers and gathering of relabelled batches by index."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cds_bench.algorithms import encoder
from cds_bench.dataset.pool import NORMALISED_LIMIT, Pool, next_rows
from cds_bench.dataset.returns import returns_to_go
from cds_bench.errors import BenchError
from cds_bench.noise import Noise
from cds_bench.records import Batch, Offer, Parameters, Sharing


@dataclass(frozen=True)
class DevicePool:
    """A pool's arrays as tensors, with rows sorted by source task.

    rewards, terminals, returns: [N, T]; `to_device` describes the returns. source: [N]. first,
    count: [T], the first row of each task's own data and their number. mean, scale: [T, O], each
    task's normalisation. lowest: [T], min(0, lowest reward of a task on its own rows). one_hot:
    [T, T], each task's vector.

    A pool of pictures has their shape, `picture`. observations is then uint8 [N + E, pixels], and
    next_rows, int64 [N], gives the row of each transition's next one. next_observations, mean and
    scale are None.
    """

    names: tuple[str, ...]
    picture: tuple[int, int, int] | None
    observations: Tensor
    actions: Tensor
    next_observations: Tensor | None
    next_rows: Tensor | None
    rewards: Tensor
    terminals: Tensor
    returns: Tensor
    source: Tensor
    first: Tensor
    count: Tensor
    mean: Tensor | None
    scale: Tensor | None
    lowest: Tensor
    one_hot: Tensor

    @property
    def tasks(self) -> int:
        return self.rewards.shape[1]


def to_device(
    pool: Pool,
    device: str,
    discount: float,
    reward_scale: float = 1.0,
    reward_shift: float = 0.0,
) -> DevicePool:
    """Moves a pool to the device once.

    `returns` are the returns-to-go of `reward_scale` r + `reward_shift` with the `discount`. These
    are the algorithm's options, so that the returns are in the units of its critic. After a cut,
    the shift continues to be paid, which adds shift / (1 - discount). Without this, a negative
    shift would make the end of every failed episode look good.
    """
    after = reward_shift / (1.0 - discount) if reward_shift else 0.0

    def tensor(array: np.ndarray | None) -> Tensor | None:
        if array is None:
            return None
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    count = np.bincount(pool.source, minlength=len(pool.tasks))
    if (count == 0).any():
        empty = pool.tasks[int(np.argmin(count))]
        raise BenchError(f"pool {pool.suite}: task '{empty}' has no transitions of its own")
    rewards = reward_scale * pool.rewards + reward_shift
    own = pool.rewards[np.arange(len(pool.source)), pool.source]
    lowest = [min(0.0, own[pool.source == task].min()) for task in range(len(pool.tasks))]
    return DevicePool(
        names=pool.tasks,
        picture=pool.observations.shape[1:] if pool.pictures else None,
        observations=tensor(pool.observations.reshape(len(pool.observations), -1)),
        actions=tensor(pool.actions),
        next_observations=tensor(pool.next_observations),
        next_rows=tensor(next_rows(pool.ends)) if pool.pictures else None,
        rewards=tensor(pool.rewards),
        terminals=tensor(pool.terminals),
        returns=tensor(returns_to_go(rewards, pool.terminals, pool.ends, discount, after)),
        source=tensor(pool.source),
        first=tensor(np.cumsum(count) - count),
        count=tensor(count),
        mean=tensor(pool.observation_mean),
        scale=tensor(pool.observation_scale),
        lowest=tensor(np.array(lowest, np.float32)),
        one_hot=torch.eye(len(pool.tasks), device=device),
    )


def offer_rows(pool: DevicePool, composition: str, uniform: Tensor) -> Tensor:
    """Row numbers offered to each task: uniform [S, T, B] float64 on [0, 1) -> int64 [S, T, B].

    own: uniform over the task's own rows. union: uniform over all rows. balanced: the first half of
    the batch is own, the second half is uniform over the other tasks' rows. balanced_sources: the
    second half has equal parts of every other task, so that the sizes of datasets do not matter.
    """
    total = len(pool.source)
    first, count = pool.first[:, None], pool.count[:, None]
    own = first + (uniform * count).long()
    if composition == "own":
        return own
    if composition == "union":
        return (uniform * total).long()
    half = uniform.shape[-1] // 2
    if composition == "balanced_sources":
        others = torch.arange(uniform.shape[-1], device=first.device) * (pool.tasks - 1)
        others = (others - half * (pool.tasks - 1)).clamp(min=0) // (uniform.shape[-1] - half)
        others = others + (others >= torch.arange(pool.tasks, device=first.device)[:, None])
        foreign = pool.first[others] + (uniform * pool.count[others]).long()
    else:
        foreign = (uniform * (total - count)).long()
        foreign = foreign + count * (foreign >= first)  # skip the task's own rows
    return torch.cat([own[..., :half], foreign[..., half:]], dim=-1)


def make_offer(pool: DevicePool, rows: Tensor) -> Offer:
    """Offers rows [S, T, B] to the tasks along their second dimension."""
    source = pool.source[rows]
    task = torch.arange(pool.tasks, device=rows.device)[:, None].expand_as(rows)
    return Offer(source=source, task=task, own=source == task, tasks=pool.names)


def states(pool: DevicePool, observations: Tensor, task: Tensor) -> Tensor:
    """The networks' input for observations [..., O] under task [...]: [..., O + T].

    It is (o - mean_task) / scale_task, clipped to +-10, with the task's one-hot vector appended.
    The features of pictures are not normalised here, because their encoder does it.
    """
    if pool.picture:
        return torch.cat([observations, rows_of(pool.one_hot, task)], dim=-1)
    normalised = (observations - rows_of(pool.mean, task)).div_(rows_of(pool.scale, task))
    clipped = normalised.clamp_(-NORMALISED_LIMIT, NORMALISED_LIMIT)
    return torch.cat([clipped, rows_of(pool.one_hot, task)], dim=-1)


def rows_of(table: Tensor, index: Tensor) -> Tensor:
    """table[index] of a table [N, D] -> [..., D]. torch gathers whole rows faster."""
    return table.index_select(0, index.flatten()).view(*index.shape, -1)


@dataclass(frozen=True)
class Transitions:
    """Rows of the pool, gathered once per step for everything that needs them.

    rows: [S, M]; observations, next_observations: [S, M, O], or uint8 [S, M, height, width, 3] of
    pictures until their features replace them; actions: [S, M, A]. pictures, next_pictures: as in
    `Batch`, beside their features.
    """

    rows: Tensor
    observations: Tensor
    actions: Tensor
    next_observations: Tensor
    pictures: Tensor | None = None
    next_pictures: Tensor | None = None


def gather(pool: DevicePool, rows: Tensor) -> Transitions:
    """The transitions of rows [S, T, B]; M = T B."""
    flat = rows.flatten(1)
    if pool.picture:
        seen, following = (
            rows_of(pool.observations, each).unflatten(-1, pool.picture)
            for each in (flat, pool.next_rows[flat])
        )
        return Transitions(flat, seen, rows_of(pool.actions, flat), following)
    tables = (pool.observations, pool.actions, pool.next_observations)
    return Transitions(flat, *(rows_of(table, flat) for table in tables))


def encoded(transitions: Transitions, parameters: Parameters, shifts: Noise | None) -> Transitions:
    """The transitions with the features of their pictures, each computed once; vectors as they are.

    Only the features of `observations` carry a gradient. shifts: the stream of random shifts, or
    None for no shifts. Every encoder of the step sees the same shifted pictures.
    """
    if not parameters:
        return transitions
    both = (transitions.observations, transitions.next_observations)
    if shifts:
        both = tuple(encoder.shifted(each, shifts.uniform(each.shape[1], 2)) for each in both)
    pictures, next_pictures = both
    with torch.no_grad():
        following = encoder.features(parameters, next_pictures)
    return replace(
        transitions,
        observations=encoder.features(parameters, pictures),
        next_observations=following,
        pictures=pictures,
        next_pictures=next_pictures,
    )


def relabel(
    pool: DevicePool,
    transitions: Transitions,
    task: Tensor,
    weight: Tensor,
    unlabelled: Tensor | None = None,
) -> Batch:
    """The transitions relabelled for `task`. task, weight, unlabelled: [S, T, B].

    `unlabelled` transitions get the task's lowest reward.
    """
    task = task.flatten(1)
    place = transitions.rows * pool.tasks + task  # in a table [N, T]
    rewards = pool.rewards.take(place)
    if unlabelled is not None:
        rewards = torch.where(unlabelled.flatten(1), pool.lowest[task], rewards)
    return Batch(
        states=states(pool, transitions.observations, task),
        actions=transitions.actions,
        next_states=states(pool, transitions.next_observations, task),
        rewards=rewards,
        terminals=pool.terminals.take(place),
        weight=weight.flatten(1),
        pictures=transitions.pictures,
        next_pictures=transitions.next_pictures,
    )


def effective(offer: Offer, decision: Sharing) -> Tensor:
    """The task that each transition ends up in, [S, T, B]."""
    return offer.task if decision.task is None else decision.task
