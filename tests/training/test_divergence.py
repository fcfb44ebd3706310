"""The estimate of distribution shift, on Gaussians whose divergence is known."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from cds_bench.storage.columns import MOVED
from cds_bench.training import data, divergence, loop
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job

BEHAVIOUR = [(0.3, 0.4), (-0.5, 0.4), (0.3, 0.4)]  # mean and std before tanh, task by task
POLICY = (0.1, 0.3)


def known(policy, behaviour) -> float:
    """The divergence over two equal action dimensions."""
    (m, s), (n, t) = policy, behaviour
    return 2 * (math.log(t / s) + (s * s + (m - n) ** 2) / (2 * t * t) - 0.5)


@pytest.fixture(scope="module")
def pool():
    """Each task's data come from one Gaussian, which does not depend on the state."""
    plain = make_pool((3000, 3000, 3000))
    rng = np.random.default_rng(1)
    moments = np.array(BEHAVIOUR)[plain.source]
    draws = moments[:, :1] + moments[:, 1:] * rng.standard_normal((len(moments), 2))
    pool = dataclasses.replace(plain, actions=np.tanh(draws).astype(np.float32))
    return data.to_device(pool, "cpu", 0.99)


def measured(pool, **job):
    """The measured shift of a policy that equals POLICY in every state."""
    job = make_job(seeds=[0, 1], batch_size=64, **job)
    state = loop.start(job, pool)
    with torch.no_grad():
        last = state.learner.policy
        last["w2"].zero_()
        last["b2"].zero_()
        last["b2"][..., :2], last["b2"][..., 2:4] = POLICY[0], math.log(POLICY[1])
    return divergence.measure(job, pool, state, steps=500)


def test_the_divergence_is_the_closed_form():
    generator = torch.Generator().manual_seed(0)
    m, s, n, t = torch.randn(4, 2, 5, 3, generator=generator, dtype=torch.float64)
    policy, behaviour = (torch.distributions.Normal(a, b.exp()) for a, b in ((m, s), (n, t)))
    expected = torch.distributions.kl_divergence(policy, behaviour).sum(-1)
    torch.testing.assert_close(divergence.divergence(m, s, n, t), expected)


def test_own_data(pool):
    found = measured(pool, sharing="no_sharing")
    assert list(found.columns) == MOVED
    assert list(found.seed) == [0, 0, 0, 1, 1, 1]
    for task, behaviour in enumerate(BEHAVIOUR):
        kl = found[found.task == f"task-{task}"].kl
        np.testing.assert_allclose(kl, known(POLICY, behaviour), rtol=0.2)
    again = measured(pool, sharing="no_sharing")
    assert found.equals(again), "same seed, same bytes"


def test_shared_data(pool):
    """Every task gets all data. The behaviour is then a mixture, fitted by a single Gaussian."""
    means = [mean for mean, _ in BEHAVIOUR]
    spread = math.sqrt(0.4**2 + np.var(means))
    found = measured(pool, sharing="sharing_all")
    np.testing.assert_allclose(found.kl, known(POLICY, (np.mean(means), spread)), rtol=0.15)


def test_failed_seeds_have_none(pool):
    job = make_job(seeds=[0, 1], sharing="no_sharing")
    state = loop.start(job, pool)
    state.recorder.failed.append({"seed": 0})
    assert set(divergence.measure(job, pool, state, steps=1).seed) == {1}
