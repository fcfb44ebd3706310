"""A reference that accepts every candidate with the same probability: sharing without selection."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from cds_bench.ranges import Probability
from cds_bench.records import Critic, Offer, Sharing

REFERENCE = True


@dataclass(frozen=True)
class Config:
    batch: Literal["balanced", "balanced_sources", "union"] = "balanced"
    probability: Probability = 0.1


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """w = 1 [own or u < probability]. u is uniform on [0, 1) and drawn again for every offer."""
    return Sharing(weight=(offer.own | (uniform < config.probability)).float())
