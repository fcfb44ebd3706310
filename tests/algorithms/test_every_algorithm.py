"""The contract of algorithms: every algorithm on disk is tested with every sharing strategy."""

import dataclasses
import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from cds_bench import contracts
from cds_bench.config import plugins
from cds_bench.noise import Noise
from cds_bench.records import Batch, Sizes
from cds_bench.training.loop import learner_tensors
from tests.contracts import check_form
from tests.training.test_loop import train

ALGORITHMS, STRATEGIES = plugins.names("algorithms"), plugins.names("sharing")
SEEDS, ROWS, OBSERVATION, TASKS, ACTION = 2, 6, 4, 3, 2
SIZES = Sizes(SEEDS, TASKS, OBSERVATION, ACTION, (8, 7))
CLONING_STEPS = 4
PHASES = {"first step": 0, "at the switch": CLONING_STEPS, "later": CLONING_STEPS + 1}


def make_config(algorithm: ModuleType, **options) -> Any:
    """A quick configuration with those of the options that the algorithm has."""
    options = {"actions": 2, "cloning_steps": CLONING_STEPS} | options
    names = {field.name for field in dataclasses.fields(algorithm.Config)}
    return algorithm.Config(**{name: options[name] for name in names & set(options)})


def run(name: str, sharing: str, **changes):
    algorithm = plugins.load("algorithms", name)
    config = make_config(algorithm, cloning_steps=changes.pop("cloning_steps", CLONING_STEPS))
    return train(
        sharing=sharing,
        algorithm=algorithm,
        algorithm_name=name,
        algorithm_config=config,
        **changes,
    )


def make_learner(algorithm: ModuleType):
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    learner = algorithm.initialise(generators, SIZES, "cpu")
    for value in learner.target.values():  # a target that differs from the critic
        value.mul_(0.9)
    for parameter in itertools.chain(*algorithm.groups(learner)):
        parameter.requires_grad_()
    return learner


def make_batch() -> Batch:
    generator = torch.Generator().manual_seed(9)
    task = torch.randint(0, TASKS, (SEEDS, ROWS), generator=generator)
    observations = torch.randn(2, SEEDS, ROWS, OBSERVATION, generator=generator)
    one_hot = F.one_hot(task, TASKS).float()
    return Batch(
        states=torch.cat([observations[0], one_hot], -1),
        actions=torch.rand(SEEDS, ROWS, ACTION, generator=generator) * 2 - 1,
        next_states=torch.cat([observations[1], one_hot], -1),
        rewards=torch.randn(SEEDS, ROWS, generator=generator),
        terminals=(torch.rand(SEEDS, ROWS, generator=generator) < 0.4).float(),
        weight=torch.rand(SEEDS, ROWS, generator=generator),
    )


def disturb(batch: Batch, where: tuple) -> Batch:
    """Replaces the transitions in the rows `where` by others of the same weight."""
    changed = {name: value.clone() for name, value in vars(batch).items() if value is not None}
    changed["states"][where] += 1.0
    changed["next_states"][where] -= 1.0
    changed["actions"][where] *= -0.5
    changed["rewards"][where] += 100.0
    changed["terminals"][where] = 1.0 - changed["terminals"][where]
    return Batch(**changed)


def make_noise() -> Noise:
    return Noise("test", "suite", "contract", list(range(SEEDS)), "cpu")


def compute_losses(algorithm: ModuleType, learner, batch: Batch, step: int):
    return algorithm.losses(make_config(algorithm), learner, batch, make_noise(), step)


def gradients(algorithm: ModuleType, batch: Batch, step: int) -> list[torch.Tensor]:
    learner = make_learner(algorithm)
    compute_losses(algorithm, learner, batch, step).total.backward()
    trained = itertools.chain(*algorithm.groups(learner))
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]


def test_every_file_with_losses_is_found():
    files = (plugins.ROOT / "algorithms").glob("*.py")
    assert ALGORITHMS == sorted(f.stem for f in files if "\ndef losses(" in f.read_text())


@pytest.mark.parametrize("sharing", STRATEGIES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_trains_with_every_strategy(name, sharing):
    before = torch.random.get_rng_state()
    first, second = (run(name, sharing, seeds=[0, 1]) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state()), "it draws from the global stream"
    pd.testing.assert_frame_equal(first.metrics, second.metrics)
    for parameter, values in first.policies.items():
        assert torch.equal(values, second.policies[parameter])
        assert torch.isfinite(values).all()
    assert not torch.equal(*first.policies["w0"][[0, -1]]), "the policy did not move"
    assert first.state.recorder.failed == []
    fields = dataclasses.fields(plugins.load("algorithms", name).Terms)
    losses = {field.name for field in fields} - set(contracts.Terms.__annotations__)
    found = first.metrics[first.metrics.metric.isin(losses)]
    assert set(found.metric) == losses
    assert np.isfinite(found.value).all()


@pytest.mark.parametrize("sharing", ["cds", "hipi"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_seed_alone_equals_the_same_seed_in_a_stack(name, sharing):
    """The results agree to the last bit, also after the end of cloning."""
    options = {"form": "backup"} if sharing == "hipi" else {}
    config = plugins.load("sharing", sharing).Config(**options)
    alone, stacked = (
        run(name, sharing, strategy_config=config, seeds=seeds, steps=66, cloning_steps=30)
        for seeds in ([1], [0, 1, 2])
    )
    for parameter, values in alone.policies.items():
        assert torch.equal(values[:, 0], stacked.policies[parameter][:, 1]), parameter
    theirs = stacked.metrics[stacked.metrics.seed == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.metrics.reset_index(drop=True), theirs)


@pytest.mark.parametrize("step", PHASES.values(), ids=PHASES.keys())
@pytest.mark.parametrize("name", ALGORITHMS)
def test_seeds_do_not_mix(name, step):
    """The first seed's gradients do not depend on the second seed's transitions."""
    algorithm, batch = plugins.load("algorithms", name), make_batch()
    first = gradients(algorithm, batch, step)
    second = gradients(algorithm, disturb(batch, (1,)), step)
    for mine, theirs in zip(first, second, strict=True):
        one = mine.shape[0] // SEEDS
        assert torch.equal(mine[:one], theirs[:one])
    changed = [not torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert any(changed)


@pytest.mark.parametrize("step", PHASES.values(), ids=PHASES.keys())
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_transition_of_weight_zero_has_no_influence(name, step):
    algorithm, batch = plugins.load("algorithms", name), make_batch()
    batch.weight[:, 2] = 0.0
    disturbed = disturb(batch, (slice(None), 2))
    pairs = zip(
        gradients(algorithm, batch, step), gradients(algorithm, disturbed, step), strict=True
    )
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("step", PHASES.values(), ids=PHASES.keys())
@pytest.mark.parametrize("name", ALGORITHMS)
def test_actor_and_critic_learn_separately(name, step):
    """The policy's loss has no gradient for the critic, and rewards reach only the critic."""
    algorithm, batch = plugins.load("algorithms", name), make_batch()
    learner = make_learner(algorithm)
    terms = compute_losses(algorithm, learner, batch, step)
    critic = list(learner.critic.values())
    found = torch.autograd.grad(terms.policy.sum(), critic, retain_graph=True, allow_unused=True)
    assert found == (None,) * len(critic)
    assert terms.policy.shape == terms.temporal_difference.shape == (SEEDS,)
    assert terms.q_data.shape == (SEEDS, ROWS)
    assert not terms.q_data.requires_grad

    richer = dataclasses.replace(batch, rewards=batch.rewards + 10.0)
    first, second = (gradients(algorithm, each, step) for each in (batch, richer))
    trained = itertools.chain(*algorithm.groups(learner))
    of_policy = {id(value) for value in learner.policy.values()}
    for parameter, mine, theirs in zip(trained, first, second, strict=True):
        if id(parameter) in of_policy:
            assert torch.equal(mine, theirs)
    assert not torch.equal(first[0], second[0])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_values_carry_no_gradient(name):
    algorithm, batch = plugins.load("algorithms", name), make_batch()
    learner, config = make_learner(algorithm), make_config(algorithm)
    values = algorithm.value(learner, batch.states, batch.actions)
    noise = make_noise().normal(ROWS, 1, ACTION)
    backups = algorithm.soft_backup(config, learner, batch, noise)
    for found in (values, backups):
        assert found.shape == (SEEDS, ROWS)
        assert torch.isfinite(found).all()
        assert not found.requires_grad


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_optimiser_trains_all_but_the_target_which_follows(name):
    """The optimiser has each tensor once and none of the target, which follows at its rate."""
    algorithm = plugins.load("algorithms", name)
    learner, config = make_learner(algorithm), make_config(algorithm, target_rate=0.25)
    trained = [id(tensor) for tensor in itertools.chain(*algorithm.groups(learner))]
    assert len(trained) == len(set(trained))
    assert {id(t) for t in (*learner.critic.values(), *learner.policy.values())} <= set(trained)
    assert not {id(tensor) for tensor in learner.target.values()} & set(trained)
    before = {key: value.clone() for key, value in learner.target.items()}
    algorithm.after_step(config, learner)
    for key, value in learner.target.items():
        expected = 0.75 * before[key] + 0.25 * learner.critic[key].detach()
        torch.testing.assert_close(value, expected)
        assert not value.requires_grad


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_has_the_declared_members(name):
    module = plugins.load("algorithms", name)
    check_form(module, contracts.Algorithm, contracts.AlgorithmConfig)
    config = module.Config()
    assert 0 < config.discount < 1
    assert (config.reward_scale, config.reward_shift) == (1, 0), "the pool's returns assume these"
    assert isinstance(getattr(config, "cloning_steps", 0), int)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_learner_and_terms_are_as_declared(name):
    """The loop, the checkpoints and the metrics can read the learner and the loss terms."""
    algorithm = plugins.load("algorithms", name)
    learner = make_learner(algorithm)
    assert set(contracts.Learner.__annotations__) <= set(vars(learner))
    for tensor in learner_tensors(learner).values():
        assert len(tensor) % SEEDS == 0
    terms = compute_losses(algorithm, learner, make_batch(), step=0)
    assert terms.total.shape == ()
    found = contracts.loss_terms(terms)
    assert found
    for value in found.values():
        assert value.shape == (SEEDS,)
        assert not value.requires_grad
