"""The check of a GPU: it runs without one, and it notices a device that computes otherwise."""

import sys

import pytest
import torch

from benchmarks import gpu_check
from cds_bench.errors import BenchError

FEW = 3


@pytest.mark.parametrize(("algorithm", "sharing"), gpu_check.METHODS)
def test_another_device_is_given_the_same_numbers(algorithm, sharing):
    """`cpu:0` is the CPU by another name, and takes the way of a GPU."""
    there, here = (gpu_check.moved(place, algorithm, sharing, FEW) for place in ("cpu:0", "cpu"))
    assert gpu_check.difference(there, here) == 0.0
    assert here.norm() > 0


def test_a_device_that_computes_otherwise_is_noticed(monkeypatch):
    right = gpu_check.moved
    monkeypatch.setattr(gpu_check, "METHODS", (("bc", "no_sharing"),))
    monkeypatch.setattr(gpu_check, "resolve_device", lambda _: "cuda")
    monkeypatch.setattr(gpu_check.machine, "describe", lambda *_: {"GPU": "none"})
    monkeypatch.setattr(sys, "argv", ["gpu_check", "--steps", "2"])

    def wrong(device, *arguments):
        return right("cpu", *arguments) * (1.1 if device == "cuda" else 1.0)

    monkeypatch.setattr(gpu_check, "moved", wrong)
    with pytest.raises(BenchError, match="bc x no_sharing: more than"):
        gpu_check.main()
    monkeypatch.setattr(gpu_check, "moved", lambda _, *arguments: right("cpu", *arguments))
    gpu_check.main()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_near(value):
    assert gpu_check.difference(torch.tensor([value, 1.0]), torch.ones(2)) == float("inf")


def test_parameters_that_did_not_move_are_never_near():
    assert gpu_check.difference(torch.zeros(2), torch.zeros(2)) == float("inf")
