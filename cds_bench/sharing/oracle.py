"""A reference: `cds_basic` with true returns of the data instead of the critic's values.

Its gain over `cds_basic` is the cost of the critic's errors. Any loss is due to the criterion.
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
    """w = 1 [own or G(s,a;i) >= b_i], with the Monte Carlo return-to-go G.

    b_i is the threshold over the task's own G. G is the return of the policy that collected the
    transition, from there to the end of its episode [ours]. It measures the data as they are, not
    what the best policy could do from there.
    """
    return cds_basic.decide(config, critic.returns(offer.task), offer.own)
