"""Delta: by how much the critic says that a transition improves on a task's own data."""

import torch
from torch import Tensor


def improvement(values: Tensor, own: Tensor, percentile: float) -> Tensor:
    """Delta(s,a;i) = Qhat(s,a,i) - P_k { Qhat(s',a',i) : (s',a') in the own part of the batch }.

    values, own: [S, T, B] -> [S, T, B]. P_k is the k-th percentile with linear interpolation
    [recalled: k = 90, over the task's own data]; the batch's own transitions stand for D_i. Where
    a task has no own transition in the batch, Delta is -inf: nothing is known to improve on it.
    """
    masked = values.masked_fill(~own, torch.nan)
    threshold = torch.nanquantile(masked, percentile / 100.0, dim=-1, keepdim=True)
    return values - threshold.nan_to_num(nan=torch.inf)


def foreign_only(values: Tensor, own: Tensor) -> Tensor:
    """Values of the candidates from other tasks; NaN at the task's own transitions."""
    return values.masked_fill(own, torch.nan)
