"""CDS combined with UDS (Yu et al. 2022, arXiv 2202.01741): weighted data without rewards."""

from dataclasses import dataclass, replace

from torch import Tensor

from cds_bench.records import Critic, Offer, Sharing
from cds_bench.sharing import cds


@dataclass(frozen=True)
class Config(cds.Config):
    """The options of `cds`."""


def share(
    config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: Tensor | None
) -> Sharing:
    """The weights of `cds`. Candidates get the task's lowest reward instead of their own."""
    decision = cds.share(config, offer, critic, uniform, state)
    return replace(decision, unlabelled=~offer.own)
