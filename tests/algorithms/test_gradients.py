"""The pass over blocks of states and networks. test_cql tests its gradients."""

import pytest
import torch

from cds_bench.algorithms import cql, gradients, networks
from tests.algorithms.test_cql import (
    ACTION,
    CASES,
    ROWS,
    SEEDS,
    make_batch,
    make_learner,
    make_noise,
    parameters,
)


@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain layers", "normalised layers"])
@pytest.mark.parametrize("name", ["plain", "lagrange"])
def test_losses_and_gradients_do_not_depend_on_the_blocks(name, layer_norm, monkeypatch):
    """One pass over everything gives the same as passes over a few states of one network."""
    found = []
    for activations in (10**9, 150):
        monkeypatch.setattr(gradients, "CACHED_ACTIVATIONS", activations)
        learner = make_learner(layer_norm)
        for parameter in parameters(learner):
            parameter.requires_grad_()
        terms = cql.losses(CASES[name], learner, make_batch(), make_noise(), step=0)
        terms.total.backward()
        grads = [p.grad for p in parameters(learner) if p.grad is not None]
        found.append([terms.conservative, terms.temporal_difference, terms.q_data, *grads])
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(whole, parts, rtol=1e-5, atol=1e-6)


def test_values_in_blocks_are_those_of_the_networks():
    learner, batch = make_learner(layer_norm=True), make_batch()
    actions = torch.rand(SEEDS, ROWS, 5, ACTION, generator=torch.Generator().manual_seed(1))
    found = gradients.values(learner.critic, batch.states, actions)
    torch.testing.assert_close(found, networks.q_values(learner.critic, batch.states, actions))
