"""Conservative data sharing: candidates are weighted by sigmoid(Delta / tau)."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from cds_bench.ranges import Positive, Probability, Threshold
from cds_bench.records import Critic, Offer, Sharing
from cds_bench.sharing.improvement import foreign_only, improvement


@dataclass(frozen=True)
class Config:
    batch: Literal["balanced", "balanced_sources", "union"] = "balanced"
    threshold: Threshold = "mean"
    tau: Positive | None = None  # a fixed temperature; None uses the moving average below
    decay: Probability = 0.995
    floor: Positive = 1e-3


def share(
    config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: Tensor | None
) -> Sharing:
    """w = 1 for own transitions, sigmoid(Delta(s,a;i) / tau_i) for candidates.

    tau_i is an exponential moving average over steps of the mean |Delta| of task i's candidates. It
    starts at its first value and stays above `floor` (Yu et al. 2021; decay and form [recalled]).
    The absolute value is [ours]: a signed mean can be negative and would flip the sigmoid.
    State: tau, [S, T, 1].
    """
    delta = improvement(critic.value(offer.task), offer.own, config.threshold)
    candidates = foreign_only(delta, offer.own)
    if config.tau is None:
        magnitude = mean_magnitude(candidates)
        past = magnitude if state is None else state
        average = config.decay * past + (1.0 - config.decay) * magnitude
        tau = average.clamp(min=config.floor)
    else:
        tau = delta.new_full((*delta.shape[:2], 1), config.tau)
    weight = (delta / tau).sigmoid().masked_fill(offer.own, 1.0)
    return Sharing(weight=weight, state=tau, diagnostics={"delta": candidates, "tau": tau})


def mean_magnitude(delta: Tensor) -> Tensor:
    """Mean |Delta| over the finite entries of the last dimension, which is kept; 0 if none is."""
    finite = delta.isfinite()
    total = delta.abs().where(finite, 0.0).sum(-1, keepdim=True)
    return total / finite.sum(-1, keepdim=True).clamp(min=1)
