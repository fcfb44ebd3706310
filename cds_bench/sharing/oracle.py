"""A reference: `cds_basic` with true returns of the data in the place of the critic's values.

What it gains over `cds_basic` is what the critic's errors cost; what it loses is the criterion's.
"""

from dataclasses import dataclass

from torch import Tensor

from cds_bench.records import Critic, Offer, Sharing
from cds_bench.sharing import cds_basic

REFERENCE = True


@dataclass(frozen=True)
class Config(cds_basic.Config):
    """The options of `cds_basic`."""


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """w = 1 [own or G(s,a;i) >= b_i]: G the Monte Carlo return-to-go, b_i the threshold over own G.

    G is the return of the policy that collected the transition, from there to the end of its
    episode [ours]: what the data are worth as they are, not what the best policy makes of them.
    """
    return cds_basic.decide(config, critic.returns(offer.task), offer.own)
