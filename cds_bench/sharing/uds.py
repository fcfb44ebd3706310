"""UDS (Yu et al. 2022, arXiv 2202.01741): all data for every task, other tasks' without reward."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from cds_bench.records import Critic, Offer, Sharing


@dataclass(frozen=True)
class Config:
    batch: Literal["balanced", "balanced_sources", "union"] = "balanced"


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """Weight 1 for everything. Candidates get the task's lowest reward instead of their own."""
    weight = torch.ones_like(offer.own, dtype=torch.float32)
    return Sharing(weight=weight, unlabelled=~offer.own)
