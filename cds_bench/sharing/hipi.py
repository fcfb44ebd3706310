"""HIPI (Eysenbach et al. 2020): inverse RL assigns each transition to one task.

q(i | s, a) is proportional to exp(U_i(s, a) / temperature) / Z_i. The batch's mean estimates Z_i.
U is Qhat in the form `value`, which is the paper's [recalled]. In the form `backup` it is the soft
backup of the official code, r_i - log pi(a|s,i) + gamma (1 - d_i) Qhat(s', a' ~ pi, i).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from cds_bench.ranges import Positive
from cds_bench.records import Critic, Offer, Sharing


@dataclass(frozen=True)
class Config:
    batch: Literal["union"] = "union"
    form: Literal["value", "backup"] = "value"
    temperature: Positive = 1.0


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """One categorical sample per transition decides its task. Every weight is 1.

    U is standardised per task over the batch before the softmax, because the tasks' returns have
    different scales [ours].
    """
    estimate = critic.value if config.form == "value" else critic.backup
    tasks = range(offer.task.shape[1])
    scores = torch.stack([estimate(torch.full_like(offer.task, task)) for task in tasks], dim=-1)
    probabilities = posterior(scores.flatten(1, 2), config.temperature)
    thresholds = probabilities.cumsum(-1)
    chosen = (uniform.flatten(1, 2).unsqueeze(-1) >= thresholds).sum(-1).clamp(max=len(tasks) - 1)
    chosen = chosen.view_as(offer.task)
    return Sharing(weight=torch.ones_like(uniform), task=chosen)


def posterior(scores: Tensor, temperature: float) -> Tensor:
    """q(i | s, a) over tasks: scores [S, M, T] -> probabilities [S, M, T].

    softmax_i( z / temperature - log mean_batch exp(z / temperature) ); z are standardised scores.
    """
    scale = scores.std(1, keepdim=True).clamp(min=1e-6)
    standard = (scores - scores.mean(1, keepdim=True)) / scale / temperature
    peak = standard.amax(1, keepdim=True)
    # The logarithm is taken of the expanded mean. Its layout is the same whichever seeds are
    # stacked.
    normaliser = (standard - peak).exp().mean(1, keepdim=True).expand_as(standard).log() + peak
    return (standard - normaliser).softmax(-1)
