"""The pool on the device: sampling offers and gathering relabelled batches by index."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cds_bench.dataset.pool import NORMALISED_LIMIT, Pool
from cds_bench.dataset.returns import returns_to_go
from cds_bench.errors import BenchError
from cds_bench.records import Batch, Offer, Sharing


@dataclass(frozen=True)
class DevicePool:
    """A pool's arrays as tensors; rows sorted by source task.

    rewards, terminals, returns: [N, T], the last as `to_device` says; source: [N]; first, count:
    [T], each task's own rows; mean, scale: [T, O], each task's normalisation; lowest: [T], min(0, a
    task's lowest reward on its own rows); one_hot: [T, T], each task's vector.
    """

    names: tuple[str, ...]

    observations: Tensor
    actions: Tensor
    next_observations: Tensor
    rewards: Tensor
    terminals: Tensor
    returns: Tensor
    source: Tensor
    first: Tensor
    count: Tensor
    mean: Tensor
    scale: Tensor
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

    `returns` are the returns-to-go of `reward_scale` r + `reward_shift` at the `discount`: an
    algorithm's options, so that they and its critic's values are in the same units. After a cut
    the shift goes on, shift / (1 - discount): a negative one would make the end of every failed
    episode look good.
    """
    after = reward_shift / (1.0 - discount) if reward_shift else 0.0

    def tensor(array: np.ndarray) -> Tensor:
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
        observations=tensor(pool.observations),
        actions=tensor(pool.actions),
        next_observations=tensor(pool.next_observations),
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

    own: uniform over the task's own rows. union: uniform over all rows. balanced: the batch's first
    half own, the second half uniform over the other tasks' rows. balanced_sources: the second half
    has equal parts of every other task, so that the size of a dataset does not matter.
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
        foreign = foreign + count * (foreign >= first)  # step over the task's own rows
    return torch.cat([own[..., :half], foreign[..., half:]], dim=-1)


def make_offer(pool: DevicePool, rows: Tensor) -> Offer:
    """The offer of rows [S, T, B] to the task of their second dimension."""
    source = pool.source[rows]
    task = torch.arange(pool.tasks, device=rows.device)[:, None].expand_as(rows)
    return Offer(source=source, task=task, own=source == task, tasks=pool.names)


def states(pool: DevicePool, observations: Tensor, task: Tensor) -> Tensor:
    """What a network sees of observations [..., O] as task [...] does: [..., O + T].

    (o - mean_task) / scale_task, clipped to +-10, with the task's one-hot vector appended.
    """
    normalised = (observations - rows_of(pool.mean, task)).div_(rows_of(pool.scale, task))
    clipped = normalised.clamp_(-NORMALISED_LIMIT, NORMALISED_LIMIT)
    return torch.cat([clipped, rows_of(pool.one_hot, task)], dim=-1)


def rows_of(table: Tensor, index: Tensor) -> Tensor:
    """table[index] of a table [N, D] -> [..., D], which torch gathers faster as rows."""
    return table.index_select(0, index.flatten()).view(*index.shape, -1)


@dataclass(frozen=True)
class Transitions:
    """Rows of the pool, gathered once for all that need them in a step.

    rows: [S, M]; observations, next_observations: [S, M, O]; actions: [S, M, A].
    """

    rows: Tensor
    observations: Tensor
    actions: Tensor
    next_observations: Tensor


def gather(pool: DevicePool, rows: Tensor) -> Transitions:
    """The transitions of rows [S, T, B]; M = T B."""
    flat = rows.flatten(1)
    tables = (pool.observations, pool.actions, pool.next_observations)
    return Transitions(flat, *(rows_of(table, flat) for table in tables))


def relabel(
    pool: DevicePool,
    transitions: Transitions,
    task: Tensor,
    weight: Tensor,
    unlabelled: Tensor | None = None,
) -> Batch:
    """The transitions as those of `task`; task, weight, unlabelled [S, T, B].

    The `unlabelled` get the task's lowest reward.
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
    )


def effective(offer: Offer, decision: Sharing) -> Tensor:
    """The task that each transition ends up in, [S, T, B]."""
    return offer.task if decision.task is None else decision.task
