"""Training on pictures: every algorithm with every strategy, stacking, resuming, gradients."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from cds_bench.algorithms import encoder
from cds_bench.config import plugins
from cds_bench.dataset.pool import Pool, next_rows
from cds_bench.training import data, divergence, loop
from tests.training.test_loop import make_job

ALGORITHMS, STRATEGIES = plugins.names("algorithms"), plugins.names("sharing")
TASKS, ROWS = 3, 45
PICTURE = (24, 24, 3)  # the smallest that the convolutions take


@pytest.fixture(scope="module")
def pool() -> Pool:
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(TASKS), ROWS // TASKS)
    ends = np.append(np.diff(source) > 0, True) | (np.arange(ROWS) % 7 == 6)
    return Pool(
        suite="toy",
        domain="toy",
        tasks=tuple(f"task-{i}" for i in range(TASKS)),
        observations=rng.integers(0, 256, (ROWS + ends.sum(), *PICTURE), np.uint8),
        actions=rng.uniform(-1, 1, (ROWS, 2)).astype(np.float32),
        next_observations=None,
        rewards=rng.random((ROWS, TASKS), np.float32),
        terminals=(rng.random((ROWS, TASKS)) < 0.3).astype(np.float32),
        source=source,
        ends=ends,
        observation_mean=None,
        observation_scale=None,
    )


def job_of(name: str, sharing: str = "cds", seeds=(0,), **changes) -> loop.Job:
    algorithm = plugins.load("algorithms", name)
    options = {"actions": 2, "cloning_steps": changes.pop("cloning_steps", 2)}
    names = {field.name for field in dataclasses.fields(algorithm.Config)}
    config = algorithm.Config(**{key: options[key] for key in names & set(options)})
    chosen = {"steps": 5, "algorithm": algorithm, "algorithm_name": name}
    return make_job(sharing, seeds, algorithm_config=config, **(chosen | changes))


def train(job: loop.Job, pool: Pool, saved=None, after=lambda state: None) -> loop.Result:
    steps = [0, job.steps // 2, job.steps]
    return loop.train(job, loop.device_pool(job, pool), 2, steps, saved, after)


def equal(one: loop.Result, other: loop.Result) -> bool:
    same = (torch.equal(values, other.policies[key]) for key, values in one.policies.items())
    return one.policies.keys() == other.policies.keys() and all(same)


@pytest.mark.parametrize("sharing", STRATEGIES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_trains_with_every_strategy(name, sharing, pool):
    job = job_of(name, sharing, seeds=[0, 1])
    first, second = train(job, pool), train(job, pool)
    assert equal(first, second)
    pd.testing.assert_frame_equal(first.metrics, second.metrics)
    assert first.state.recorder.failed == []
    for values in first.policies.values():
        assert torch.isfinite(values).all()
    for key in ("w0", "encoder_w0", "encoder_w3"):
        assert not torch.equal(*first.policies[key][[0, -1]]), f"{key} did not move"
    learner = first.state.learner
    for key, target in learner.target_encoder.items():
        assert not torch.equal(target, learner.encoder[key]), "the target does not lag behind"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_seed_alone_equals_the_same_seed_in_a_stack(name, pool):
    """They agree to the last bit, also with random shifts and after the end of cloning."""
    alone, stacked = (
        train(job_of(name, seeds=seeds, steps=12, augmentation="shift", cloning_steps=6), pool)
        for seeds in ([1], [0, 1, 2])
    )
    for key, values in alone.policies.items():
        assert torch.equal(values[:, 0], stacked.policies[key][:, 1]), key
    theirs = stacked.metrics[stacked.metrics.seed == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.metrics.reset_index(drop=True), theirs)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_interrupted_job_ends_like_an_uninterrupted_one(name, pool):
    job = job_of(name, seeds=[0, 1], augmentation="shift")
    kept = {}
    whole = train(
        job, pool, after=lambda s: kept.update(s=_copied(loop.capture(s))) if s.step == 3 else None
    )
    assert equal(train(job, pool, saved=kept["s"]), whole)


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def test_random_shifts_change_nothing_but_what_is_seen(pool):
    """All other streams draw the same numbers, and without shifts there is no such stream."""
    plain, shifted = (job_of("cql", augmentation=each) for each in ("none", "shift"))
    device_pool = loop.device_pool(plain, pool)
    states = [loop.start(job, device_pool) for job in (plain, shifted)]
    assert "augmentation" not in states[0].noise
    batches = [
        loop.effective_batch(job, device_pool, state)
        for job, state in zip((plain, shifted), states, strict=True)
    ]
    assert torch.equal(batches[0][1], batches[1][1])
    assert torch.equal(batches[0][0].actions, batches[1][0].actions)
    assert not torch.equal(batches[0][0].pictures, batches[1][0].pictures)


def test_gather_takes_each_picture_and_the_next_one(pool):
    rows = torch.tensor([[[0, 6, 44]]])
    device_pool = data.to_device(pool, "cpu", 0.99)
    assert device_pool.observations.dtype == torch.uint8
    found = data.gather(device_pool, rows)
    np.testing.assert_array_equal(found.observations[0], pool.observations[[0, 6, 44]])
    following = next_rows(pool.ends)[[0, 6, 44]]
    np.testing.assert_array_equal(found.next_observations[0], pool.observations[following])
    assert (following > ROWS - 1).tolist() == [False, True, True]


@pytest.mark.parametrize("sharing", ["no_sharing", "hipi", "cds"])
def test_each_picture_is_encoded_once_whoever_asks_for_values(sharing, pool, monkeypatch):
    """Once by the encoder for states and for next states each, and once by the target's encoder."""
    calls, features = [], encoder.features

    def counted(parameters, pictures):
        calls.append(pictures.shape)
        return features(parameters, pictures)

    monkeypatch.setattr(encoder, "features", counted)
    job = job_of("cql", sharing)
    device_pool = loop.device_pool(job, pool)
    loop.train_step(job, device_pool, loop.start(job, device_pool))
    assert len(calls) == 3


def gradient(job: loop.Job, pool: Pool, term: str, step: int = 3) -> list:
    """The encoder's gradients of one loss term. The policy clones in the steps 0 and 1."""
    device_pool = loop.device_pool(job, pool)
    state = loop.start(job, device_pool)
    batch, *_ = loop.effective_batch(job, device_pool, state)
    noise = state.noise["algorithm"]
    terms = job.algorithm.losses(job.algorithm_config, state.learner, batch, noise, step)
    loss = getattr(terms, term).sum()
    return torch.autograd.grad(loss, list(state.learner.encoder.values()), allow_unused=True)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_critics_train_the_encoder_and_in_cloning_the_likelihood_does(name, pool):
    job, clones = job_of(name), name == "bc"
    assert all((each is None) != clones for each in gradient(job, pool, "policy"))
    for each in gradient(job, pool, "total"):
        assert each.abs().sum() > 0


def test_the_likelihood_trains_the_encoder_while_cqls_policy_clones(pool):
    for step, trains in [(1, True), (2, False)]:
        found = gradient(job_of("cql"), pool, "policy", step)
        assert all((each is not None) == trains for each in found)


def test_the_critics_loss_reaches_the_encoder_as_autograd_says(pool, monkeypatch):
    """CQL's blocked backward pass gives the encoder the gradients of one plain pass."""
    from cds_bench.algorithms import cql, networks

    found = gradient(job_of("cql"), pool, "total")

    def plain(critic, states, actions, loss):
        values = networks.q_values(critic, states, actions)
        whole = slice(None)
        losses = loss(values.flatten(0, 1), whole, whole)
        given = {**critic, "states": states}
        gradients = torch.autograd.grad(losses, list(given.values()), retain_graph=True)
        return values.detach(), dict(zip(given, gradients, strict=True))

    monkeypatch.setattr(cql, "value_gradients", plain)
    expected = gradient(job_of("cql"), pool, "total")
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_optimiser_has_the_encoder_once_and_not_its_targets(pool):
    for name in ALGORITHMS:
        job = job_of(name)
        learner = loop.start(job, loop.device_pool(job, pool)).learner
        trained = [id(each) for each in itertools.chain(*job.algorithm.groups(learner))]
        assert len(trained) == len(set(trained))
        assert {id(each) for each in learner.encoder.values()} <= set(trained)
        assert not {id(each) for each in learner.target_encoder.values()} & set(trained)


def test_brac_keeps_the_encoder_of_its_behaviour(pool):
    """b is fixed at the end of cloning. The encoder goes on learning, so b has its own copy."""
    kept = {}

    def after(state):
        if state.step in (3, 5):
            learner = state.learner
            kept[state.step] = {k: v.clone() for k, v in learner.behaviour_encoder.items()}

    result = train(job_of("brac"), pool, after=after)
    for key, value in kept[3].items():
        assert torch.equal(value, kept[5][key])
        assert not torch.equal(value, result.state.learner.encoder[key])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_shift_is_measured_on_the_learned_features(name, pool):
    job = job_of(name, seeds=[0, 1])
    result = train(job, pool)
    before = loop.snapshot(result.state.learner)
    found = divergence.measure(job, loop.device_pool(job, pool), result.state, steps=3)
    assert len(found) == 2 * TASKS
    assert np.isfinite(found.kl).all()
    for key, value in loop.snapshot(result.state.learner).items():
        assert torch.equal(value, before[key]), "measuring trained the learner"
