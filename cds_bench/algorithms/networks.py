"""Stacked networks: every parameter has a leading dimension over seeds (and critics).

Letters are those of `records`. N = C S is the stack of the C critics of every seed, in seed-major
order: critic c of seed s has index C s + c. C is two unless an algorithm says otherwise. K actions
per state; H hidden units.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from cds_bench.records import LANES, Parameters, Sizes

LOG_STD_RANGE = (-20.0, 2.0)
# Data actions are clipped to lie this far inside (-1, 1) before atanh [ours]. Clipped Gaussian
# policies put many of their actions at the bounds. With a smaller margin, those rows would dominate
# the mean.
ACTION_MARGIN = 0.05
NORM_EPSILON = 1e-5  # added to the variance, as torch does


def initialise_layers(
    generators: list[torch.Generator], copies: int, layers: Iterable[tuple[int, int]], device: str
) -> Parameters:
    """Layers w<k> [S * copies, in, out], b<k> [S * copies, 1, out], uniform within 1 / sqrt(in).

    layers: the numbers of inputs and outputs of each layer. This is torch.nn.Linear's default
    initialisation, from one CPU generator per seed. A bias is padded with zeros to a multiple of
    LANES, so that a seed's numbers fill whole strides of a vector kernel. Kernels round the
    remainder of a tensor differently, and without the padding a seed would depend on the seeds that
    are stacked with it.
    """
    parameters: Parameters = {}
    for k, (inputs, outputs) in enumerate(layers):
        draws = [torch.rand(copies, inputs + 1, outputs, generator=each) for each in generators]
        stack = ((2.0 * torch.cat(draws) - 1.0) / math.sqrt(inputs)).to(device)
        parameters[f"w{k}"] = stack[:, :-1].clone()
        parameters[f"b{k}"] = F.pad(stack[:, -1:], (0, -outputs % LANES))
    return parameters


def initialise_critic(
    generators: list[torch.Generator], sizes: Sizes, device: str, critics: int = 2
) -> Parameters:
    """The critics of every seed; the first weight's rows are [state; action].

    With `layer_norm`, hidden layer k has a gain g<k> [C S, 1, H], initially 1.
    """
    widths = [sizes.observation + sizes.tasks + sizes.action, *sizes.hidden, 1]
    critic = initialise_layers(generators, critics, itertools.pairwise(widths), device)
    if sizes.layer_norm:
        for k, width in enumerate(sizes.hidden):
            critic[f"g{k}"] = torch.ones(critics * len(generators), 1, width, device=device)
    return critic


def initialise_state_value(
    generators: list[torch.Generator], sizes: Sizes, device: str
) -> Parameters:
    """One state value V(s) per seed: a critic without an action."""
    return initialise_critic(generators, replace(sizes, action=0), device, critics=1)


def initialise_policy(generators: list[torch.Generator], sizes: Sizes, device: str) -> Parameters:
    """One tanh-Gaussian policy per seed. Its output is [mean, log_std]."""
    widths = [sizes.observation + sizes.tasks, *sizes.hidden, 2 * sizes.action]
    return initialise_layers(generators, 1, itertools.pairwise(widths), device)


def depth(parameters: Parameters) -> int:
    """The number of layers, including the output."""
    return sum(name.startswith("w") for name in parameters)


def critics_per_seed(critic: Parameters, seeds: int) -> int:
    """C, the number of critics of each seed."""
    return len(critic["w0"]) // seeds


def affine(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """rows weight + bias: rows [N, rows, in] -> [N, rows, out]. The bias's padding is ignored."""
    return torch.baddbmm(bias[..., : weight.shape[-1]], rows, weight)


def centred(parameters: Parameters) -> Parameters:
    """Equal critics whose normalised layers have outputs of mean 0 before the normalisation.

    The mean of x W + b over a layer's outputs is x mean(W) + mean(b). It is subtracted once from
    the parameters instead of from each row.
    """
    found = dict(parameters)
    for k in range(depth(parameters)):
        if f"g{k}" in parameters:
            weight = parameters[f"w{k}"]
            bias = parameters[f"b{k}"][..., : weight.shape[-1]]
            found[f"w{k}"] = weight - weight.mean(-1, keepdim=True)
            found[f"b{k}"] = bias - bias.mean(-1, keepdim=True)
    return found


def inverse_deviation(values: Tensor) -> Tensor:
    """1 / sqrt(mean of the squares + NORM_EPSILON) of each row: values [..., H] -> [..., 1]."""
    norm = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
    return (norm.square() / values.shape[-1] + NORM_EPSILON).rsqrt()


def activate(values: Tensor, gain: Tensor | None) -> Tensor:
    """ReLU of [N, ..., H], in place; with a gain, ReLU of gain x / deviation.

    With a gain, the rows x must have mean 0 (`centred`). Each row has its own deviation. The gain
    is [N, 1, H], or any shape that broadcasts over the rows. This is layer normalisation (Ba et al.
    2016) without a shift, because the preceding bias serves as one.
    """
    if gain is None:
        return values.relu_()
    return (values * inverse_deviation(values) * gain).relu_()


def output(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Rows [N, R, H] times a weight [N, H, 1], plus bias: [N, R].

    It is computed elementwise, because batched products with one column are several times slower.
    """
    return (rows * weight.mT).sum(-1) + bias[:, :, 0]


def q_values(critic: Parameters, states: Tensor, actions: Tensor) -> Tensor:
    """Q_c(s, a) of all critics: states [S, M, O+T], actions [S, M, K, A] -> [S, C, M, K].

    The part of the first layer that depends on the state is computed once per state and broadcast
    over its K actions.
    """
    seeds, rows, size = states.shape
    count, last = actions.shape[2], depth(critic) - 1
    critic, critics = centred(critic), critics_per_seed(critic, seeds)
    stacked = states.repeat_interleave(critics, dim=0)  # [C S, M, O+T]
    weight = critic["w0"]
    state_part = affine(stacked, weight[:, :size], critic["b0"])
    flat = actions.flatten(1, 2).repeat_interleave(critics, dim=0)  # [C S, M K, A]
    action_part = torch.bmm(flat, weight[:, size:]).view(critics * seeds, rows, count, -1)
    # the sum is not a view, so autograd needs no copy for the ReLU in place
    gain = critic["g0"].unsqueeze(2) if "g0" in critic else None
    hidden = activate(action_part + state_part.unsqueeze(2), gain)
    hidden = hidden.view(critics * seeds, rows * count, -1)  # [C S, M K, H]
    for k in range(1, last):
        hidden = activate(affine(hidden, critic[f"w{k}"], critic[f"b{k}"]), critic.get(f"g{k}"))
    values = output(hidden, critic[f"w{last}"], critic[f"b{last}"])
    return values.view(seeds, critics, rows, count)


def state_values(state_value: Parameters, states: Tensor) -> Tensor:
    """V(s), [S, M], for states [S, M, O+T]."""
    no_action = states.new_empty(*states.shape[:2], 1, 0)
    return q_values(state_value, states, no_action)[:, 0, :, 0]


def policy_distribution(policy: Parameters, states: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log standard deviation before tanh, each [S, M, A], for states [S, M, O+T]."""
    hidden, last = states, depth(policy) - 1
    for k in range(last):
        hidden = affine(hidden, policy[f"w{k}"], policy[f"b{k}"]).relu_()
    moments = affine(hidden, policy[f"w{last}"], policy[f"b{last}"])
    mean, log_std = moments.chunk(2, dim=-1)
    return mean, log_std.clamp(*LOG_STD_RANGE)


def _log_density(mean: Tensor, log_std: Tensor, before: Tensor, noise: Tensor) -> Tensor:
    """log pi of tanh(before), summed over the action's dimensions; before = mean + std noise."""
    gaussian = -0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)
    # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)) has no cancellation for large |u|
    jacobian = 2.0 * (math.log(2.0) - before - F.softplus(-2.0 * before))
    return (gaussian - jacobian).sum(-1)


def sample(mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """K reparametrised actions per state: noise [S, M, K, A] -> [S, M, K, A], log pi [S, M, K]."""
    mean, log_std = mean.unsqueeze(2), log_std.unsqueeze(2)
    before = mean + log_std.exp() * noise
    return before.tanh(), _log_density(mean, log_std, before, noise)


def log_prob(mean: Tensor, log_std: Tensor, actions: Tensor) -> Tensor:
    """log pi(a|s) of given actions [S, M, A] -> [S, M]; clips them ACTION_MARGIN inside (-1, 1)."""
    limit = 1.0 - ACTION_MARGIN
    before = actions.clamp(-limit, limit).atanh()
    noise = (before - mean) * (-log_std).exp()
    return _log_density(mean, log_std, before, noise)
