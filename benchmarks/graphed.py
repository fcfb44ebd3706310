"""The engine's step as one CUDA graph: a single call launches every kernel of the step.

A graph repeats the same kernels on the same memory. The step therefore writes its results over
those of the last step. On a CPU there are no graphs, and this step runs as it is.
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import engine
from cds_bench.training import loop
from cds_bench.training.data import DevicePool

WARM_UP = 3  # steps before a graph is recorded


def in_place(job: loop.Job, pool: DevicePool, state: loop.State) -> Callable[[], None]:
    """The engine's step. From the second one on, nothing that it changes moves in memory."""
    recorder = state.recorder

    def step() -> None:
        sums, last, broken, sharing = recorder.sums, recorder.last, recorder.broken, state.sharing
        recorder.add(*loop.train_step(job, pool, state), state.step)
        if not sums:
            recorder.sums = [each.clone() for each in recorder.sums]  # some are expanded
            return
        held = [*sums, last, broken]
        found = [*recorder.sums, recorder.last, recorder.broken]
        if isinstance(sharing, Tensor):
            held, found = [*held, sharing], [*found, state.sharing]
            state.sharing = sharing
        torch._foreach_copy_(held, found)
        recorder.sums, recorder.last, recorder.broken = sums, last, broken

    return step


def recorded(step: Callable[[], None], state: loop.State) -> Callable[[], None]:
    """A call that repeats the step as a CUDA graph.

    The step must neither read from the device nor depend on numbers of the host that change. For
    the benchmark's engine, this holds except for the step's number in the record of failures.
    """
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    for group in state.optimiser.param_groups:
        group["capturable"] = True
    for generator in itertools.chain(*(noise.generators for noise in state.noise.values())):
        graph.register_generator_state(generator)
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step as in `engine`, from a graph if there is a GPU."""
    job, pool, state = engine.begin(spec)
    call = in_place(job, pool, state)
    if spec["device"] == "cuda":
        call = recorded(call, state)

    def step() -> int:
        call()
        return 1

    return step
