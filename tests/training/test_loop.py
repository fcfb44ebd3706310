"""The engine: stacking, random streams, metrics and divergence."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from cds_bench.algorithms import cql
from cds_bench.config import plugins
from cds_bench.dataset.returns import returns_to_go
from cds_bench.records import Offer, Sharing
from cds_bench.storage.columns import METRICS
from cds_bench.training import data, loop
from cds_bench.training.recorder import pair_sums
from tests.training.test_data import make_pool

STEPS = 12


def make_job(sharing="cds", seeds=(0,), **changes) -> loop.Job:
    strategy = plugins.load("sharing", sharing)
    job = loop.Job(
        suite="toy",
        tasks=("task-0", "task-1", "task-2"),
        algorithm=cql,
        algorithm_name="cql",
        algorithm_config=cql.Config(actions=2, cloning_steps=4),
        strategy=strategy,
        strategy_config=strategy.Config(),
        seeds=list(seeds),
        steps=STEPS,
        batch_size=32,
        hidden=(32, 32),
        layer_norm=False,
        learning_rate_decay="none",
        device="cpu",
    )
    return dataclasses.replace(job, **changes)


def train(**kwargs) -> loop.Result:
    job = make_job(**kwargs)
    pool = loop.device_pool(job, make_pool())
    return loop.train(job, pool, log_points=3, snapshot_steps=[0, job.steps // 2, job.steps])


@pytest.mark.parametrize(
    ("sharing", "layer_norm"),
    [("no_sharing", False), ("hipi", False), ("cds_basic", True), ("cds", False)],
)
def test_a_seed_alone_equals_the_same_seed_in_a_stack(sharing, layer_norm):
    """They agree to the last bit; a different rounding would grow into different scores."""
    config = cql.Config(actions=2, cloning_steps=60)
    alone, stacked = (
        train(
            sharing=sharing, seeds=seeds, steps=120, algorithm_config=config, layer_norm=layer_norm
        )
        for seeds in ([1], [0, 1, 2])
    )
    for name, values in alone.policies.items():
        assert torch.equal(values[:, 0], stacked.policies[name][:, 1]), name
    theirs = stacked.metrics[stacked.metrics.seed == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.metrics.reset_index(drop=True), theirs)


def test_learning_rates_fall_along_a_cosine():
    config = cql.Config(policy_learning_rate=0.2, cloning_learning_rate=0.1, cloning_steps=2)
    job = make_job(steps=4, learning_rate_decay="cosine", algorithm_config=config)
    pool = loop.device_pool(job, make_pool())
    state, rates = loop.start(job, pool), []
    for _ in range(job.steps):
        loop.train_step(job, pool, state)
        rates.append(state.optimiser.param_groups[1]["lr"])
    expected = [0.1, 0.1 * (1 + 0.5**0.5) / 2, 0.2 * 0.5, 0.2 * (1 - 0.5**0.5) / 2]
    np.testing.assert_allclose(rates, expected)


def test_a_critic_gives_the_returns_of_the_offered_rows_under_any_task():
    job = make_job(algorithm_config=cql.Config(discount=0.5, reward_scale=2.0))
    pool = loop.device_pool(job, make_pool())
    rows = torch.tensor([[[0, 99], [5, 50], [20, 7]]])
    task = torch.tensor([[[2, 0], [1, 1], [0, 2]]])
    found = loop.critic_of(job, pool, loop.start(job, pool), data.gather(pool, rows)).returns(task)
    toy = make_pool()
    expected = returns_to_go(2.0 * toy.rewards, toy.terminals, toy.ends, 0.5)
    np.testing.assert_array_equal(found, expected[rows, task])


def test_same_seed_same_bytes_and_other_seed_other_policies():
    first, second, other = train(seeds=[3]), train(seeds=[3]), train(seeds=[4])
    for name, values in first.policies.items():
        assert torch.equal(values, second.policies[name])
        assert not torch.equal(values, other.policies[name])
    pd.testing.assert_frame_equal(first.metrics, second.metrics)


def test_strategies_share_their_random_numbers():
    """Initial policies and the first step's batches agree, which makes comparisons paired."""
    pool = loop.device_pool(make_job(), make_pool())
    states = [loop.start(make_job(sharing=name), pool) for name in ("no_sharing", "cds")]
    for name, values in states[0].learner.policy.items():
        assert torch.equal(values, states[1].learner.policy[name])
    draws = [state.noise["batch"].uniform(3, 16) for state in states]
    assert torch.equal(*draws)


def test_snapshots_are_copies_at_their_steps():
    result = train()
    weights = result.policies["w0"]
    assert weights.shape[:2] == (3, 1)
    initial = loop.start(make_job(), loop.device_pool(make_job(), make_pool())).learner.policy["w0"]
    assert torch.equal(weights[0], initial.detach())
    assert not torch.equal(weights[1], weights[2])


def test_metrics_have_every_documented_row():
    metrics = train(seeds=[0, 1]).metrics
    assert list(metrics.columns) == METRICS
    terms = {"temporal_difference", "conservative", "policy", "temperature", "multiplier"}
    sharing = {"weight", "effective_share", "delta_q10", "delta_q50", "delta_q90", "tau", "q_data"}
    found = set(metrics.metric)
    assert {name for name in found if not name.startswith("selection_")} == terms | sharing
    assert set(metrics.step) == {4, 8, 12}
    shares = metrics[metrics.metric == "effective_share"]
    sums = shares.groupby(["seed", "step", "target"]).value.sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-6)
    own = metrics[(metrics.metric == "weight") & (metrics.source == metrics.target)]
    np.testing.assert_allclose(own.value, 1.0)


def test_pair_sums_by_hand():
    source = torch.tensor([[[0, 0, 1], [1, 0, 1]]])
    task = torch.tensor([[[0, 0, 0], [1, 1, 1]]])
    weight = torch.tensor([[[1.0, 1.0, 0.5], [1.0, 0.25, 1.0]]])
    offer = Offer(source, task, source == task, ("a-x", "a-y", "b-x"))
    sums, offered = pair_sums(offer, Sharing(weight), 2)
    assert sums.tolist() == [[[2.0, 0.25], [0.5, 2.0]]]
    assert offered.tolist() == [[[2.0, 1.0], [1.0, 2.0]]]
    moved = torch.tensor([[[0, 1, 1], [1, 1, 0]]])
    sums, offered = pair_sums(offer, Sharing(torch.ones(1, 2, 3), task=moved), 2)
    assert sums.tolist() == [[[1.0, 2.0], [1.0, 2.0]]]
    assert offered.tolist() == [[[3.0, 3.0], [3.0, 3.0]]]


def test_divergence_is_named():
    result = train(algorithm_config=cql.Config(actions=2, reward_scale=1e30))
    assert result.state.recorder.failed[0]["seed"] == 0
    assert result.state.recorder.failed[0]["term"] == "temporal_difference"
    assert 1 <= result.state.recorder.failed[0]["step"] <= 4
    assert result.metrics.empty


def test_learns_which_actions_pay():
    """On a one-step problem with reward -|a - 0.5|^2, the policy moves to the best action."""
    pool = make_pool((400, 400, 400))
    rewards = -np.square(pool.actions - 0.5).sum(1, keepdims=True) * np.ones(3)
    pool = dataclasses.replace(
        pool,
        rewards=rewards.astype(np.float32),
        terminals=np.ones_like(pool.terminals),
        observation_scale=np.ones_like(pool.observation_scale),
    )
    job = make_job(
        sharing="no_sharing",
        steps=1500,
        batch_size=32,
        algorithm_config=cql.Config(
            actions=4,
            alpha=0.1,
            reward_scale=10.0,
            critic_learning_rate=1e-3,
            policy_learning_rate=1e-3,
        ),
    )
    device_pool = loop.device_pool(job, pool)
    result = loop.train(job, device_pool, log_points=2, snapshot_steps=[0, 1500])
    policy = {name: values[1] for name, values in result.policies.items()}
    states = data.states(device_pool, device_pool.observations[:50], torch.zeros(50).long())[None]
    mean, _ = cql.networks.policy_distribution(policy, states)
    assert (mean.tanh() - 0.5).abs().mean() < 0.25
