"""The strategies that are references: their choices, and what the choices depend on."""

import pytest
import torch

from cds_bench.records import Critic, Offer
from cds_bench.sharing import cds_basic, oracle, random_tenth


def asked_for_too_much(task):
    pytest.fail("an oracle must not ask the critic")


def balanced(batch: int) -> Offer:
    """Two tasks. The first half of each batch is the task's own, the second half the other's."""
    task = torch.arange(2)[None, :, None].expand(1, 2, batch)
    source = torch.where(torch.arange(batch) < batch // 2, task, 1 - task)
    return Offer(source, task, source == task, ("first", "second"))


def test_an_oracle_decides_like_cds_basic_with_an_exact_critic():
    offer = balanced(64)
    table = torch.randn(2, 1, 2, 64, generator=torch.Generator().manual_seed(0))

    def true(task):
        return table.gather(0, task[None])[0]

    knowing = Critic(value=asked_for_too_much, backup=asked_for_too_much, returns=true)
    right = Critic(value=true, backup=asked_for_too_much, returns=asked_for_too_much)
    uniform = torch.rand(1, 2, 64)
    found = oracle.share(oracle.Config(), offer, knowing, uniform, None)
    expected = cds_basic.share(cds_basic.Config(), offer, right, uniform, None)
    assert torch.equal(found.weight, expected.weight)
    assert 0 < found.weight[~offer.own].mean() < 1


def test_an_oracle_accepts_returns_above_those_of_the_tasks_own_data():
    """Task 0's own returns are 1 and its candidates' 0 or 2. Task 1's candidates are all below."""
    offer = balanced(4)
    returns = torch.tensor([[[1.0, 1.0, 0.0, 2.0], [9.0, 9.0, 2.0, 3.0]]])
    critic = Critic(asked_for_too_much, asked_for_too_much, lambda task: returns)
    decision = oracle.share(oracle.Config(), offer, critic, torch.rand(1, 2, 4), None)
    assert decision.weight[0].tolist() == [[1, 1, 0, 1], [1, 1, 0, 0]]


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_random_tenth_accepts_every_candidate_with_the_same_probability(probability):
    offer = balanced(40_000)
    uniform = torch.rand(1, 2, 40_000, generator=torch.Generator().manual_seed(1))
    config = random_tenth.Config(probability=probability)
    weight = random_tenth.share(config, offer, None, uniform, None).weight
    assert (weight[offer.own] == 1).all()
    assert weight[~offer.own].mean().item() == pytest.approx(probability, abs=0.01)
    assert set(weight.unique().tolist()) == {0.0, 1.0}
