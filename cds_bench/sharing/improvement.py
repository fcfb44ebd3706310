"""Delta: how much a transition improves on a task's own data according to the critic."""

import torch
from torch import Tensor

from cds_bench.ranges import Threshold


def improvement(values: Tensor, own: Tensor, threshold: Threshold) -> Tensor:
    """Delta(s,a;i) = Qhat(s,a,i) - b_i, where b_i is a statistic of the task's own transitions.

    values, own: [S, T, B] -> [S, T, B]. The threshold "mean" is the expectation
    b_i = E_{(s',a') ~ D_i} Qhat(s',a',i), as in the paper's introduction. A number k stands for the
    k-th percentile. The own transitions of the batch represent D_i. If a task has no own transition
    in the batch, Delta is -inf, because nothing is known to improve on it.
    """
    level = mean if threshold == "mean" else percentile
    return values - level(values, own, threshold)


def mean(values: Tensor, own: Tensor, _: Threshold) -> Tensor:
    """The mean of the own values, [S, T, 1]; inf if there are none."""
    count = own.sum(-1, keepdim=True)
    total = values.where(own, 0.0).sum(-1, keepdim=True)
    return (total / count).masked_fill(count == 0, torch.inf)


def percentile(values: Tensor, own: Tensor, k: float) -> Tensor:
    """The k-th percentile of the own values, [S, T, 1], interpolated; inf if there are none."""
    ordered = values.masked_fill(~own, torch.inf).sort(-1).values
    place = k / 100.0 * (own.sum(-1, keepdim=True) - 1).clamp(min=0)
    below = ordered.gather(-1, place.floor().long())
    above = ordered.gather(-1, place.ceil().long())
    # torch.nanquantile is not used: the rounding of its fused interpolation depends on a number's
    # place in the tensor, so a seed would depend on the seeds that are stacked with it.
    step = (above - below) * (place - place.floor())
    return torch.where(above == below, below, below + step)


def foreign_only(values: Tensor, own: Tensor) -> Tensor:
    """Values of the candidates from other tasks; NaN at the task's own transitions."""
    return values.masked_fill(own, torch.nan)
