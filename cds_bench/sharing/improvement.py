"""Delta: by how much the critic says that a transition improves on a task's own data."""

import torch
from torch import Tensor

from cds_bench.ranges import Threshold


def improvement(values: Tensor, own: Tensor, threshold: Threshold) -> Tensor:
    """Delta(s,a;i) = Qhat(s,a,i) - b_i, b_i a statistic of the own part of the batch.

    values, own: [S, T, B] -> [S, T, B]. The threshold "mean" takes the expectation
    b_i = E_{(s',a') ~ D_i} Qhat(s',a',i), as the paper's introduction says; a number k takes the
    k-th percentile. The batch's own transitions stand for D_i. If a task has no own transition in
    the batch, Delta is -inf: nothing is known to improve on it.
    """
    level = mean if threshold == "mean" else percentile
    return values - level(values, own, threshold)


def mean(values: Tensor, own: Tensor, _: Threshold) -> Tensor:
    """The mean of the own values, [S, T, 1]; inf where there are none."""
    count = own.sum(-1, keepdim=True)
    total = values.where(own, 0.0).sum(-1, keepdim=True)
    return (total / count).masked_fill(count == 0, torch.inf)


def percentile(values: Tensor, own: Tensor, k: float) -> Tensor:
    """The k-th percentile of the own values, [S, T, 1], interpolated; inf where there are none."""
    ordered = values.masked_fill(~own, torch.inf).sort(-1).values
    place = k / 100.0 * (own.sum(-1, keepdim=True) - 1).clamp(min=0)
    below = ordered.gather(-1, place.floor().long())
    above = ordered.gather(-1, place.ceil().long())
    # Not torch.nanquantile: its fused interpolation rounds by a number's place in the tensor, and a
    # seed would depend on its companions.
    step = (above - below) * (place - place.floor())
    return torch.where(above == below, below, below + step)


def foreign_only(values: Tensor, own: Tensor) -> Tensor:
    """Values of the candidates from other tasks; NaN at the task's own transitions."""
    return values.masked_fill(own, torch.nan)
