"""How far a policy has moved from the data that it was trained on.

The paper uses this to explain why sharing can hurt: D_KL(pi(.|s,i) || behaviour policy of the
effective data of task i), averaged over states of these data.
"""

import pandas as pd
import torch

from cds_bench.algorithms import networks
from cds_bench.records import Parameters
from cds_bench.seeding import seed_of
from cds_bench.storage.columns import MOVED
from cds_bench.training.data import DevicePool, effective
from cds_bench.training.loop import Job, State, effective_batch, sizes_of

LEARNING_RATE = 3e-3
ESTIMATE_BATCHES = 20


def measure(job: Job, pool: DevicePool, state: State, steps: int) -> pd.DataFrame:
    """The columns MOVED of a trained job, with a row per seed and task.

    A behaviour model with the form of the policy is fitted to the effective data by weighted
    maximum likelihood. This takes `steps` batches, which are drawn as in training. The strategy
    decides on them with the trained critic. `kl` is the weighted mean of `divergence` over the
    states of further batches, in nats. `log_likelihood` is the weighted mean of the log-likelihood
    of the data's actions under the model. The model of pictures uses the learner's features, as the
    policy does.
    """
    behaviour = fit(job, pool, state, steps)
    return estimate(job, pool, state, behaviour)


def fit(job: Job, pool: DevicePool, state: State, steps: int) -> Parameters:
    """The behaviour model of every seed, cloned on its effective data.

    The learning rate falls to zero, so that the last batches add no noise.
    """
    generators = [
        torch.Generator().manual_seed(seed_of("shift", job.suite, job.algorithm_name, seed))
        for seed in job.seeds
    ]
    model = networks.initialise_policy(generators, sizes_of(job, pool), job.device)
    for parameter in model.values():
        parameter.requires_grad_()
    optimiser = torch.optim.Adam(model.values(), lr=LEARNING_RATE, fused=True)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1.0 - step / steps)
        with torch.no_grad():
            batch, *_ = effective_batch(job, pool, state)
        moments = networks.policy_distribution(model, batch.states)
        likelihood = networks.log_prob(*moments, batch.actions)
        optimiser.zero_grad(set_to_none=True)
        (-(batch.weight * likelihood).mean(-1)).sum().backward()
        optimiser.step()
    return model


@torch.no_grad()
def estimate(job: Job, pool: DevicePool, state: State, behaviour: Parameters) -> pd.DataFrame:
    """Weighted means over the effective data of each task; NaN if a task's weights are all 0."""
    totals = torch.zeros(3, len(job.seeds), pool.tasks, device=job.device)
    for _ in range(ESTIMATE_BATCHES):
        batch, _, offer, decision = effective_batch(job, pool, state)
        learned = networks.policy_distribution(state.learner.policy, batch.states)
        fitted = networks.policy_distribution(behaviour, batch.states)
        task = effective(offer, decision).flatten(1)
        likelihood = networks.log_prob(*fitted, batch.actions)
        for total, values in zip(
            totals, (torch.ones_like(likelihood), divergence(*learned, *fitted), likelihood),
            strict=True,
        ):  # fmt: skip
            total.scatter_add_(1, task, batch.weight * values)
    weight, kl, likelihood = totals.cpu().double()
    failed = {failure["seed"] for failure in state.recorder.failed}
    rows = [
        (seed, name, (kl / weight)[s, i].item(), (likelihood / weight)[s, i].item())
        for s, seed in enumerate(job.seeds)
        for i, name in enumerate(job.tasks)
        if seed not in failed
    ]
    return pd.DataFrame(rows, columns=MOVED)


def divergence(mean, log_std, other_mean, other_log_std) -> torch.Tensor:
    """D_KL(pi || b) of tanh-Gaussians with these moments, [S, M], in nats, exact.

    It is the sum over the action's dimensions of log(s_b / s_pi)
    + (s_pi^2 + (m_pi - m_b)^2) / (2 s_b^2) - 1/2. This is the divergence of the Gaussians before
    tanh, because tanh is a bijection.
    """
    ratio = 2.0 * (log_std - other_log_std)
    distance = ((mean - other_mean) * (-other_log_std).exp()).square()
    return 0.5 * (ratio.exp() + distance - 1.0 - ratio).sum(-1)
