"""How a step's time is spent: the engine under torch.profiler, with its operators in groups.

On a CPU it runs with one thread, because the profiler does not see the engine's own threads. On a
GPU the times are those of kernels; the rest is the time in which the GPU waits.
"""

import json
import sys
import time
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks import engine

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


def group_of(operator: str) -> str:
    """The group of an operator like aten::add_ . OTHER has views, allocations and unknown ones."""
    if operator.startswith("Optimizer."):
        return "optimiser and targets"
    name = operator.removeprefix("aten::").removesuffix("_")
    for group, names in GROUPS.items():
        if name in names:
            return group
    return OTHER


def shares(spec: dict[str, Any], steps: int) -> dict[str, float]:
    """The share of a step's time in each group. The shares add up to 1."""
    step = engine.prepare(spec)
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
    found = dict.fromkeys([*GROUPS, OTHER], 0.0)
    for event in profiler.key_averages():
        if event.device_type != DeviceType.CPU:
            continue  # the operator that started a GPU kernel already counts it
        spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        found[group_of(event.key)] += spent / total
    found[OTHER] += 1.0 - sum(found.values())
    return found


if __name__ == "__main__":
    specification = json.loads(sys.argv[1])
    torch.set_num_threads(specification["threads"])
    print(json.dumps(shares(specification, specification["steps"])))
