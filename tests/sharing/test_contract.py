"""The contract of sharing strategies, tested on every strategy on disk."""

import dataclasses
from typing import get_args

import pytest
import torch

from cds_bench import contracts
from cds_bench.config import plugins
from cds_bench.records import Critic, Offer
from tests.contracts import check_form

STRATEGIES = plugins.names("sharing")
SEEDS, TASKS, BATCH = 2, 3, 32


def cases():
    """Every strategy with every batch composition that its configuration allows."""
    for name in STRATEGIES:
        config = plugins.load("sharing", name).Config
        field = next(f for f in dataclasses.fields(config) if f.name == "batch")
        for composition in field.type.__args__:
            yield pytest.param(name, config(batch=composition), id=f"{name}-{composition}")


def make_offer(composition: str, seed: int = 0) -> Offer:
    generator = torch.Generator().manual_seed(seed)
    task = torch.arange(TASKS)[None, :, None].expand(SEEDS, TASKS, BATCH)
    foreign = (task + torch.randint(1, TASKS, task.shape, generator=generator)) % TASKS
    random = torch.randint(0, TASKS, task.shape, generator=generator)
    half = torch.arange(BATCH) < BATCH // 2
    balanced = torch.where(half, task, foreign)
    source = {"own": task, "union": random}.get(composition, balanced)
    return Offer(source, task, source == task, ("a-x", "a-y", "b-x"))


def make_critic(scale: float = 50.0) -> Critic:
    generator = torch.Generator().manual_seed(3)
    table = (scale * torch.randn(SEEDS, TASKS, BATCH, TASKS, generator=generator)).requires_grad_()

    def value(task):
        return table.gather(-1, task.unsqueeze(-1)).squeeze(-1).detach()

    return Critic(value=value, backup=value, returns=value)


def decide(name, config, uniform_seed=5, steps=3, critic=None):
    module, state = plugins.load("sharing", name), None
    critic = critic or make_critic()
    generator = torch.Generator().manual_seed(uniform_seed)
    for step in range(steps):
        offer = make_offer(config.batch, step)
        uniform = torch.rand(SEEDS, TASKS, BATCH, generator=generator)
        decision = module.share(config, offer, critic, uniform, state)
        state = decision.state
    return offer, decision


def test_every_file_that_shares_is_found():
    files = (plugins.ROOT / "sharing").glob("*.py")
    assert STRATEGIES == sorted(f.stem for f in files if "\ndef share(" in f.read_text())


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_reference_is_marked_by_a_true_constant(name):
    marked = vars(plugins.load("sharing", name)).get("REFERENCE", False)
    assert marked is plugins.is_reference(name)


@pytest.mark.parametrize(("name", "config"), list(cases()))
def test_weights_and_tasks(name, config):
    offer, decision = decide(name, config)
    assert decision.weight.shape == offer.task.shape
    assert decision.weight.dtype == torch.float32
    assert torch.isfinite(decision.weight).all()
    assert ((decision.weight >= 0) & (decision.weight <= 1)).all()
    assert not decision.weight.requires_grad
    assert (decision.weight[offer.own] == 1).all(), "a task's own data are never dropped"
    if decision.unlabelled is not None:
        assert decision.unlabelled.dtype == torch.bool
        assert not decision.unlabelled[offer.own].any(), "a task's own data keep their reward"
    if decision.task is not None:
        assert decision.task.shape == offer.task.shape
        assert decision.task.dtype == torch.int64
        assert ((decision.task >= 0) & (decision.task < TASKS)).all()


@pytest.mark.parametrize(("name", "config"), list(cases()))
def test_deterministic_and_pure(name, config):
    before = torch.random.get_rng_state()
    (offer, first), (_, second) = decide(name, config), decide(name, config)
    assert torch.equal(first.weight, second.weight)
    assert (first.task is None) == (second.task is None)
    assert first.task is None or torch.equal(first.task, second.task)
    assert torch.equal(before, torch.random.get_rng_state()), "it draws from the global stream"
    fresh = make_offer(config.batch, 2)
    assert torch.equal(offer.source, fresh.source), "it changes its input"


@pytest.mark.parametrize(("name", "config"), list(cases()))
def test_seeds_do_not_mix(name, config):
    """The decision for the first seed does not depend on the second seed's values."""
    module = plugins.load("sharing", name)
    offer, critic = make_offer(config.batch), make_critic()
    uniform = torch.rand(SEEDS, TASKS, BATCH, generator=torch.Generator().manual_seed(1))

    def disturbed(task):
        values = critic.value(task)
        values[1] += torch.linspace(0, 100, BATCH)
        return values

    other = Critic(value=disturbed, backup=disturbed, returns=disturbed)
    first = module.share(config, offer, critic, uniform, None)
    second = module.share(config, offer, other, uniform, None)
    assert torch.equal(first.weight[0], second.weight[0])
    assert first.task is None or torch.equal(first.task[0], second.task[0])


@pytest.mark.parametrize(("name", "config"), list(cases()))
def test_constant_values_give_finite_weights(name, config):
    flat = make_critic(scale=0.0)
    _, decision = decide(name, config, critic=flat)
    assert torch.isfinite(decision.weight).all()


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_has_the_declared_members(name):
    module = plugins.load("sharing", name)
    check_form(module, contracts.Strategy, contracts.StrategyConfig)
    assert module.Config().batch in get_args(contracts.Composition)
