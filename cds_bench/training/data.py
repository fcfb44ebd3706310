"""The pool on the device: sampling offers and gathering relabelled batches by index."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cds_bench.dataset.pool import NORMALISED_LIMIT, Pool
from cds_bench.dataset.returns import returns_to_go
from cds_bench.errors import BenchError
from cds_bench.records import Batch, Offer, Sharing


@dataclass(frozen=True)
class DevicePool:
    """A pool's arrays as tensors; rows sorted by source task.

    rewards, terminals, returns: [N, T], the last as `to_device` says; source: [N]; first, count:
    [T], each task's own rows; mean, scale: [T, O], each task's normalisation; lowest: [T], min(0, a
    task's lowest reward on its own rows).
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
    )


def offer_rows(pool: DevicePool, composition: str, uniform: Tensor) -> Tensor:
    """Row numbers offered to each task: uniform [S, T, B] float64 on [0, 1) -> int64 [S, T, B].

    own: uniform over the task's own rows; union: uniform over all rows; balanced: the batch's first
    half own, the second half uniform over the other tasks' rows.
    """
    total = len(pool.source)
    first, count = pool.first[:, None], pool.count[:, None]
    own = first + (uniform * count).long()
    if composition == "own":
        return own
    if composition == "union":
        return (uniform * total).long()
    foreign = (uniform * (total - count)).long()
    foreign = foreign + count * (foreign >= first)  # step over the task's own rows
    half = uniform.shape[-1] // 2
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
    normalised = (observations - pool.mean[task]) / pool.scale[task]
    clipped = normalised.clamp(-NORMALISED_LIMIT, NORMALISED_LIMIT)
    return torch.cat([clipped, F.one_hot(task, pool.tasks).float()], dim=-1)


def gather(
    pool: DevicePool,
    rows: Tensor,
    task: Tensor,
    weight: Tensor,
    unlabelled: Tensor | None = None,
) -> Batch:
    """Transitions relabelled for `task`; everything [S, T, B], flattened to [S, T B].

    The `unlabelled` get the task's lowest reward.
    """
    rows, task, weight = (x.flatten(1) for x in (rows, task, weight))
    rewards = pool.rewards[rows, task]
    if unlabelled is not None:
        rewards = torch.where(unlabelled.flatten(1), pool.lowest[task], rewards)
    return Batch(
        states=states(pool, pool.observations[rows], task),
        actions=pool.actions[rows],
        next_states=states(pool, pool.next_observations[rows], task),
        rewards=rewards,
        terminals=pool.terminals[rows, task],
        weight=weight,
    )


def effective(offer: Offer, decision: Sharing) -> Tensor:
    """The task that each transition ends up in, [S, T, B]."""
    return offer.task if decision.task is None else decision.task
