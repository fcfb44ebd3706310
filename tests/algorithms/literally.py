"""Compares an algorithm's stacked losses with a literal float64 implementation of one's own."""

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from cds_bench.records import Batch
from tests.algorithms.plain import in_double
from tests.algorithms.test_every_algorithm import make_batch, make_noise

Literal = Callable[[Any, Any, Batch, int], dict[str, torch.Tensor]]


def as_double(learner: Any) -> Any:
    """A copy of a learner of dictionaries in float64. The same tensors require a gradient."""

    def convert(values):
        return {k: v.detach().double().requires_grad_(v.requires_grad) for k, v in values.items()}

    return type(learner)(**{name: convert(values) for name, values in vars(learner).items()})


def advance(
    algorithm: ModuleType, config: Any, learner: Any, batch: Batch, steps: int
) -> tuple[list[Any], torch.optim.Optimizer]:
    """Trains as the loop does, but every step has the same batch and the same noise.

    Returns the terms of every step and the optimiser.
    """
    optimiser = torch.optim.Adam([{"params": group} for group in algorithm.groups(learner)])
    found = []
    for step in range(steps):
        terms = algorithm.losses(config, learner, batch, make_noise(), step)
        algorithm.before_step(config, optimiser, step)
        optimiser.zero_grad()
        terms.total.backward()
        optimiser.step()
        algorithm.after_step(config, learner)
        found.append(terms)
    return found, optimiser


def check(
    algorithm: ModuleType, config: Any, learner: Any, step: int, literal: Literal, trained: set[str]
) -> None:
    """The terms equal those of `literal`, and the gradients those of its `trained` terms' sum.

    literal(config, learner, batch, step): each term [S] by name, without any stacking.
    """
    batch = make_batch()
    terms = algorithm.losses(config, learner, batch, make_noise(), step)
    terms.total.backward()
    reference = as_double(learner)
    expected = literal(config, reference, in_double(batch), step)
    for name, value in expected.items():
        mine = getattr(terms, name).detach().double()
        torch.testing.assert_close(mine, value.detach(), rtol=1e-4, atol=1e-5)
    sum(expected[name].sum() for name in trained).backward()
    pairs = zip(
        itertools.chain(*algorithm.groups(learner)),
        itertools.chain(*algorithm.groups(reference)),
        strict=True,
    )
    for mine, theirs in pairs:
        assert (mine.grad is None) == (theirs.grad is None)
        if theirs.grad is not None:
            torch.testing.assert_close(mine.grad.double(), theirs.grad, rtol=1e-3, atol=1e-5)
