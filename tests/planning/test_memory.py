"""The estimate of a stack's memory, compared with the tensors that training holds at once."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import envs
from cds_bench.algorithms import gradients
from cds_bench.config import parse, plugins
from cds_bench.planning import memory
from cds_bench.planning.costs import World
from cds_bench.planning.measure import synthetic_pool
from cds_bench.training import loop
from cds_bench.training.run import make_job


class Tracker(TorchDispatchMode):
    """Counts the bytes of all tensors that torch makes, while they live."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        made = function(*arguments, **(options or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return made

    def count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.known:
            self.known.add(key)
            self.live += size
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self.forget, key, size)

    def forget(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.live -= size


def held(config, suite: str, algorithm: str, seeds: int) -> int:
    """The most bytes of tensors at a time in two steps of a stack, with its pool on the device."""
    picture = envs.TASKS[envs.SUITES[suite].tasks[0]].picture
    pool = synthetic_pool(config, suite, World(39, 8, {}, {}, picture))
    with Tracker() as tracker:
        job = make_job(config, suite, algorithm, "cds", f"0-{seeds - 1}", pool.tasks)
        on_device = loop.device_pool(job, pool)
        state = loop.start(job, on_device)
        for _ in range(2):
            state.recorder.add(*loop.train_step(job, on_device, state), state.step)
    return tracker.peak


@pytest.mark.parametrize(
    ("suite", "layer_norm"),
    [("walker2d-mixed", False), ("door-drawer", True), ("pick-place-small", False)],
)
@pytest.mark.parametrize("algorithm", plugins.names("algorithms"))
def test_the_estimate_is_above_what_training_holds(algorithm, suite, layer_norm, monkeypatch):
    """As on a GPU, all activations of a step exist at once."""
    monkeypatch.setattr(gradients, "CACHED_ACTIVATIONS", 10**15)
    values = {
        "suites": {suite: {"sizes": dict.fromkeys(envs.SUITES[suite].tasks, 400)}},
        "algorithms": {algorithm: {}}, "sharing": {"cds": {}}, "seeds": 2, "seeds_per_job": 2,
        "training": {"batch_size": 32, "hidden": [128, 64], "layer_norm": layer_norm,
                     "device": "cpu", "augmentation": "shift"},
    }  # fmt: skip
    config = parse(values, "test")
    one, two = (held(config, suite, algorithm, seeds) for seeds in (1, 2))
    each = memory.per_seed(config, suite, algorithm)
    assert two - one < each < 8 * (two - one)
    assert two < memory.fixed(config, suite) + 2 * each
