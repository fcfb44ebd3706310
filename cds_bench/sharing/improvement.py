"""Delta: by how much the critic says that a transition improves on a task's own data."""

import torch
from torch import Tensor


def improvement(values: Tensor, own: Tensor, percentile: float) -> Tensor:
    """Delta(s,a;i) = Qhat(s,a,i) - P_k { Qhat(s',a',i) : (s',a') in the own part of the batch }.

    values, own: [S, T, B] -> [S, T, B]. P_k is the k-th percentile with linear interpolation
    [recalled: k = 90, over the task's own data]; the batch's own transitions stand for D_i. Where
    a task has no own transition in the batch, Delta is -inf: nothing is known to improve on it.
    """
    ordered = values.masked_fill(~own, torch.inf).sort(-1).values
    place = percentile / 100.0 * (own.sum(-1, keepdim=True) - 1).clamp(min=0)
    below = ordered.gather(-1, place.floor().long())
    above = ordered.gather(-1, place.ceil().long())
    # Not torch.nanquantile: its fused interpolation rounds by a number's place in the tensor, and a
    # seed would depend on its companions.
    step = (above - below) * (place - place.floor())
    return values - torch.where(above == below, below, below + step)


def foreign_only(values: Tensor, own: Tensor) -> Tensor:
    """Values of the candidates from other tasks; NaN at the task's own transitions."""
    return values.masked_fill(own, torch.nan)
