"""No sharing: each task learns from its own data alone, in one multi-task network."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from cds_bench.records import Critic, Offer, Sharing


@dataclass(frozen=True)
class Config:
    batch: Literal["own"] = "own"


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """Weight 1 on the task's own transitions. No others are offered."""
    return Sharing(weight=offer.own.float())
