"""How a step's time is spent: a contender under torch.profiler, with its operators in groups.

On a CPU it runs with one thread, because the profiler does not see the engine's own threads. On a
GPU the times are those of kernels; the rest is the time in which the GPU waits.

It also counts how often the host reads a number from a tensor. On a GPU, the host then waits for
every kernel before it, and the GPU waits for the host.
"""

import json
import sys
import time
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from benchmarks.contender import prepared

GROUPS = {
    "products": (
        "mm", "bmm", "addmm", "baddbmm", "addbmm", "matmul", "linear", "conv2d", "convolution",
        "_convolution", "mkldnn_convolution", "cudnn_convolution", "convolution_backward",
    ),
    "optimiser and targets": ("_fused_adam", "_foreach_lerp", "lerp"),
    "reductions": (
        "sum", "mean", "amax", "amin", "max", "min", "logsumexp", "softmax", "_softmax", "cumsum",
        "all", "any",
    ),
    "gather and random": (
        "index", "index_select", "gather", "scatter", "scatter_add", "normal", "uniform", "one_hot",
        "random",
    ),
    "elementwise and copies": (
        "add", "sub", "rsub", "mul", "div", "neg", "exp", "log", "log2", "tanh", "tanh_backward",
        "atanh", "square", "pow", "sqrt", "relu", "threshold_backward", "threshold", "clamp",
        "clamp_min", "clamp_max", "softplus", "softplus_backward", "where", "eq", "ne", "lt", "le",
        "gt", "ge", "isfinite", "abs", "reciprocal", "arange", "sigmoid", "bitwise_and",
        "logical_and", "masked_fill", "fill", "zero", "copy", "cat", "clone", "_to_copy", "stack",
        "repeat_interleave", "constant_pad_nd", "floor_divide", "remainder",
    ),
}  # fmt: skip
OTHER = "python and other"
# What the profiler records if the host waits for the device. On a CPU, these are the readings for
# which it would have to wait on a GPU.
WAITS = {
    "cpu": ("aten::_local_scalar_dense", "aten::nonzero"),
    "cuda": ("cudaStreamSynchronize", "cudaEventSynchronize"),
}


def group_of(operator: str) -> str:
    """The group of an operator like aten::add_ . OTHER has views, allocations and unknown ones."""
    if operator.startswith("Optimizer."):
        return "optimiser and targets"
    name = operator.removeprefix("aten::").removesuffix("_")
    for group, names in GROUPS.items():
        if name in names:
            return group
    return OTHER


def in_optimiser(event: FunctionEvent | None) -> bool:
    """Whether an operator belongs to the optimiser, which on a CPU reads its own step numbers."""
    while event and not event.name.startswith("Optimizer."):
        event = event.cpu_parent
    return event is not None


def measure(module: str, spec: dict[str, Any], steps: int) -> dict[str, Any]:
    """shares: that of each group in a step's time; they add up to 1. waits: the number in a step.

    A wait is a moment at which the host needs a result from the device.
    """
    step = prepared(module, spec)
    for _ in range(3):
        step()
    on_gpu = spec["device"] == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        began = time.perf_counter()
        for _ in range(steps):
            step()
        if on_gpu:
            torch.cuda.synchronize()
        total = (time.perf_counter() - began) * 1e6
    events = profiler.key_averages()
    names = WAITS[spec["device"]]
    waits = sum(
        each.name in names and (on_gpu or not in_optimiser(each)) for each in profiler.events()
    )
    found = dict.fromkeys([*GROUPS, OTHER], 0.0)
    for event in events:
        if event.device_type != DeviceType.CPU:
            continue  # the operator that started a GPU kernel already counts it
        spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        found[group_of(event.key)] += spent / total
    found[OTHER] += 1.0 - sum(found.values())
    return {"shares": found, "waits": waits / steps}


if __name__ == "__main__":
    specification = json.loads(sys.argv[2])
    print(json.dumps(measure(sys.argv[1], specification, specification["steps"])))
