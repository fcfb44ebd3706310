"""Behaviour cloning: its likelihood, the policy that it recovers, and the critic's values."""

import dataclasses

import numpy as np
import pytest
import torch

from cds_bench.algorithms import actor_critic, bc, networks
from cds_bench.training import data, loop
from tests.algorithms.test_every_algorithm import make_batch, make_learner, make_noise
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job

TASKS, ROWS = 3, 2000  # of each task
MEANS = torch.tensor([[0.5, -0.3], [-0.4, 0.2]])  # of the behaviour before tanh, per place
STDS = torch.tensor([[0.2, 0.4], [0.3, 0.2]])
DISCOUNT = 0.9


def test_policy_loss_is_the_weighted_likelihood():
    learner, batch = make_learner(bc), make_batch()
    batch.actions.mul_(1.0 - networks.ACTION_MARGIN)
    terms = bc.losses(bc.Config(), learner, batch, make_noise(), step=0)
    mean, log_std = networks.policy_distribution(learner.policy, batch.states)
    policy = torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean.double(), log_std.exp().double()),
        torch.distributions.TanhTransform(),
    )
    likelihood = policy.log_prob(batch.actions.double()).sum(-1)
    expected = -(batch.weight * likelihood).mean(-1)
    torch.testing.assert_close(terms.policy.double(), expected, rtol=1e-5, atol=1e-5)


def test_cloning_pulls_the_mean_by_the_squared_error_and_the_deviation_by_its_own():
    """Gradients of -log pi times the variance: m - u, and variance - (u - m)^2 for log std."""
    generator = torch.Generator().manual_seed(3)
    mean, log_std = torch.randn(2, 1, 5, 2, generator=generator).requires_grad_().unbind()
    mean.retain_grad()
    log_std.retain_grad()
    actions = torch.rand(1, 5, 2, generator=generator) - 0.5
    weight = torch.ones(1, 5)
    batch = dataclasses.replace(make_batch(), actions=actions, weight=weight)
    actor_critic.cloning(mean, log_std, batch).sum().backward()
    error = (mean - batch.actions.atanh()).detach()
    torch.testing.assert_close(mean.grad, error / 5)
    variance = (2.0 * log_std.detach()).exp()
    torch.testing.assert_close(log_std.grad, (variance - error.square()) / 5)


@pytest.fixture(scope="module")
def cloned() -> tuple[data.DevicePool, bc.Learner]:
    """Trained on two places: the first pays 1 and leads to the second, which pays a_0 and ends.

    Task i pays i + 1 times as much. In each place the actions come from a known tanh-Gaussian.
    """
    pool = make_pool((ROWS,) * TASKS)
    place = np.arange(TASKS * ROWS) % 2
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn(TASKS * ROWS, 2, generator=generator)
    actions = torch.tanh(MEANS[place] + STDS[place] * noise).numpy()
    observations = np.repeat(1.0 - 2.0 * place[:, None], 4, axis=1).astype(np.float32)
    pay = np.where(place == 0, 1.0, actions[:, 0])[:, None] * (1.0 + np.arange(TASKS))
    pool = data.to_device(
        dataclasses.replace(
            pool,
            observations=observations,
            actions=actions,
            next_observations=-observations,
            rewards=pay.astype(np.float32),
            terminals=np.repeat(place[:, None], TASKS, axis=1).astype(np.float32),
            observation_mean=np.zeros_like(pool.observation_mean),
            observation_scale=np.ones_like(pool.observation_scale),
        ),
        "cpu",
        DISCOUNT,
    )
    config = bc.Config(discount=DISCOUNT, target_rate=0.05, critic_learning_rate=2e-3)
    job = make_job(
        "no_sharing", algorithm=bc, algorithm_name="bc", algorithm_config=config, batch_size=64
    )
    state = loop.start(job, pool)
    for _ in range(1000):
        loop.train_step(job, pool, state)
    return pool, state.learner


def states_of_both_places(pool: data.DevicePool) -> torch.Tensor:
    """The networks' input in both places, task by task, [1, 2 T, O + T]."""
    task = torch.arange(TASKS).repeat_interleave(2)
    return data.states(pool, pool.observations[:2].repeat(TASKS, 1), task)[None]


def test_recovers_the_behaviour_policy(cloned):
    pool, learner = cloned
    states = states_of_both_places(pool)
    mean, log_std = networks.policy_distribution(learner.policy, states)
    assert (mean[0].view(TASKS, 2, 2) - MEANS).abs().max() < 0.1
    assert (log_std[0].view(TASKS, 2, 2) - STDS.log()).abs().max() < 0.15


def test_critic_evaluates_the_behaviour_policy(cloned):
    """Q(first) = (i + 1) (1 + gamma E a_0), Q(second, a) = (i + 1) a_0."""
    pool, learner = cloned
    states = states_of_both_places(pool)
    actions = MEANS.tanh().repeat(TASKS, 1)
    values = bc.value(learner, states, actions[None])[0].view(TASKS, 2)
    expected_action = pool.actions[1::2, 0].mean()
    pays = 1.0 + torch.arange(TASKS)
    torch.testing.assert_close(
        values[:, 0], pays * (1.0 + DISCOUNT * expected_action), rtol=0.0, atol=0.15
    )
    torch.testing.assert_close(values[:, 1], pays * actions[1, 0], rtol=0.0, atol=0.15)
