"""A reference: every candidate with the same probability; what sharing does without choosing."""

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
    """w = 1 [own or u < probability], u uniform on [0, 1): drawn anew for every offer."""
    return Sharing(weight=(offer.own | (uniform < config.probability)).float())
