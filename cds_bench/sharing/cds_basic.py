"""Conservative data sharing with a hard threshold: candidates with Delta >= 0 have weight 1."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from cds_bench.ranges import Threshold
from cds_bench.records import Critic, Offer, Sharing
from cds_bench.sharing.improvement import foreign_only, improvement


@dataclass(frozen=True)
class Config:
    batch: Literal["balanced", "balanced_sources", "union"] = "balanced"
    threshold: Threshold = "mean"


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """w = 1 [own or Delta(s,a;i) >= 0] (Yu et al. 2021; the form is [recalled])."""
    return decide(config, critic.value(offer.task), offer.own)


def decide(config: Config, values: Tensor, own: Tensor) -> Sharing:
    """The decision from the values of the offered transitions, [S, T, B]."""
    delta = improvement(values, own, config.threshold)
    accepted = own | (delta >= 0.0)
    return Sharing(weight=accepted.float(), diagnostics={"delta": foreign_only(delta, own)})
