"""Values of stacked critics and their gradients in one pass, in blocks that stay in the cache.

Letters are those of `networks`. A block is G networks of the stack with R states; H hidden units.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from cds_bench.algorithms import networks
from cds_bench.records import Parameters

# loss(values [G, R, K], stack, rows) -> the loss of a block, a scalar. The total loss is the sum
# over blocks. `stack` and `rows` are the block's slices of the networks and of the states.
Loss = Callable[[Tensor, slice, slice], Tensor]
# The number of activations of a layer that one pass computes on a CPU. With this many, the
# activations between two layers stay in the cache.
CACHED_ACTIVATIONS = 2**19
STATES = "states"  # the name of the states' gradient, beside those of the parameters


class Layer(NamedTuple):
    """A layer's parameters, or the sums of their gradients. A normalised layer has a gain."""

    weight: Tensor
    bias: Tensor
    gain: Tensor | None


class Hidden(NamedTuple):
    """A hidden layer's activations [G, R K, H] and, if it is normalised, intermediate results.

    centred: the rows before the normalisation, [G, R K, H]; scale: 1 / deviation, [G, R K, 1].
    """

    activations: Tensor
    centred: Tensor | None = None
    scale: Tensor | None = None


class Block(NamedTuple):
    """Some states with some networks: slices of both, layers, states and actions of each network.

    states: [G, R, O+T]; actions: [G, R, K, A].
    """

    stack: slice
    rows: slice
    layers: list[Layer]
    states: Tensor
    actions: Tensor


@torch.no_grad()
def values(critic: Parameters, states: Tensor, actions: Tensor) -> Tensor:
    """Q_c(s, a) as in `q_values`, [S, C, M, K], computed block by block without gradient."""
    found = states.new_empty(len(critic["w0"]), states.shape[1], actions.shape[2])
    for block in _blocks(networks.centred(critic), states, actions):
        hidden = _hidden(block)
        found[block.stack, block.rows] = _output(block, hidden)
    return found.view(len(states), -1, *found.shape[1:])


@torch.no_grad()
def value_gradients(
    critic: Parameters, states: Tensor, actions: Tensor, loss: Loss
) -> tuple[Tensor, Parameters]:
    """Q_c(s, a) as in `q_values`, and the gradients of the loss for the critics' parameters.

    states [S, M, O+T], actions [S, M, K, A] -> values [S, C, M, K], gradients shaped like critic.
    If the states require a gradient, because an encoder made them, theirs is there as STATES.
    Autograd differentiates the loss with respect to the values only. The code below does the
    backward pass through the networks. Each block's backward pass follows right after its values.
    On a CPU, a block is so small that its activations stay in the cache. On a GPU, there is only
    one block.
    """
    gradients = {name: torch.zeros_like(value) for name, value in critic.items()}
    stack = len(critic["w0"])
    values = states.new_empty(stack, states.shape[1], actions.shape[2])
    of_states = states.new_empty(stack, *states.shape[1:]) if states.requires_grad else None
    for block in _blocks(networks.centred(critic), states, actions):
        hidden = _hidden(block)
        found = _output(block, hidden)
        values[block.stack, block.rows] = found
        with torch.enable_grad():
            found.requires_grad_()
            (slopes,) = torch.autograd.grad(loss(found, block.stack, block.rows), found)
        ahead = _backward(block, _layers(gradients, block.stack), hidden, slopes)
        if of_states is not None:
            weight = block.layers[0].weight[:, : states.shape[-1]]
            of_states[block.stack, block.rows] = torch.bmm(ahead, weight.mT)
    if of_states is not None:
        gradients[STATES] = of_states.view(len(states), -1, *states.shape[1:]).sum(1)
    return values.view(len(states), -1, *values.shape[1:]), gradients


def _blocks(critic: Parameters, states: Tensor, actions: Tensor) -> Iterator[Block]:
    """The blocks of states [S, M, O+T] and actions [S, M, K, A] for all critics of each seed."""
    (seeds, rows, _), count = states.shape, actions.shape[2]
    critics = networks.critics_per_seed(critic, seeds)
    states, actions = (x.repeat_interleave(critics, dim=0) for x in (states, actions))
    width = max(value.shape[-1] for value in critic.values())
    for stack in _slices(critics * seeds, rows * count * width, states.device):
        layers = _layers(critic, stack)
        for part in _slices(rows, count * width, states.device):
            yield Block(stack, part, layers, states[stack, part], actions[stack, part])


def _slices(number: int, activations: int, device: torch.device) -> list[slice]:
    """Near-equal slices of `number` items with `activations` each; a single slice on a GPU."""
    parts = math.ceil(number * activations / CACHED_ACTIVATIONS) if device.type == "cpu" else 1
    parts = min(parts, number)
    edges = [round(number * k / parts) for k in range(parts + 1)]
    return [slice(*edge) for edge in itertools.pairwise(edges)]


def _layers(parameters: Parameters, stack: slice) -> list[Layer]:
    """The layers of some networks of the stack."""
    return [
        Layer(*(p if (p := parameters.get(f"{kind}{k}")) is None else p[stack] for kind in "wbg"))
        for k in range(networks.depth(parameters))
    ]


def _hidden(block: Block) -> list[Hidden]:
    """Every hidden layer of a block."""
    size = block.states.shape[-1]
    (weight, bias, gain), *others = block.layers[:-1]
    state_part = networks.affine(block.states, weight[:, :size], bias)
    first = torch.bmm(block.actions.flatten(1, 2), weight[:, size:])
    first = first.view(*block.actions.shape[:3], -1)
    first += state_part.unsqueeze(2)  # [G, R, K, H]
    hidden = [_activate(first.flatten(1, 2), gain)]
    for weight, bias, gain in others:
        hidden.append(_activate(networks.affine(hidden[-1].activations, weight, bias), gain))
    return hidden


def _output(block: Block, hidden: list[Hidden]) -> Tensor:
    """The values of a block, [G, R, K]."""
    values = networks.output(hidden[-1].activations, *block.layers[-1][:2])
    return values.view(block.actions.shape[:3])


def _activate(values: Tensor, gain: Tensor | None) -> Hidden:
    """Does the same as `networks.activate`, and keeps what the gradient needs."""
    if gain is None:
        return Hidden(values.relu_())
    scale = networks.inverse_deviation(values)
    return Hidden((values * scale).mul_(gain).relu_(), values, scale)


def _backward(block: Block, sums: list[Layer], hidden: list[Hidden], slopes: Tensor) -> Tensor:
    """Adds a block's gradients to `sums`. slopes: dL/dvalues, [G, R, K].

    Returns the slope of the state's part of the first layer, [G, R, H].
    """
    layers, last, below = block.layers, len(hidden), hidden[-1].activations
    slope = slopes.flatten(1, 2).unsqueeze(-1)  # [G, R K, 1]
    sums[last].weight.add_((below * slope).sum(1).unsqueeze(-1))
    sums[last].bias[..., :1].add_(slope.sum(1, keepdim=True))
    ahead = slope * layers[last].weight.mT  # dL/d(activations of the layer below), [G, R K, H]
    for k in range(last - 1, -1, -1):
        ahead = _through_activation(ahead, hidden[k], layers[k].gain, sums[k].gain)
        if k > 0:
            sums[k].weight.baddbmm_(hidden[k - 1].activations.mT, ahead)
            sums[k].bias[..., : ahead.shape[-1]].add_(ahead.sum(1, keepdim=True))
            ahead = torch.bmm(ahead, layers[k].weight.mT)
    weight, bias, _ = sums[0]
    size = block.states.shape[-1]
    weight[:, size:].baddbmm_(block.actions.flatten(1, 2).mT, ahead)
    of_states = ahead.view(*slopes.shape, -1).sum(2)  # [G, R, H]
    weight[:, :size].baddbmm_(block.states.mT, of_states)
    bias[..., : ahead.shape[-1]].add_(of_states.sum(1, keepdim=True))
    return of_states


def _through_activation(
    ahead: Tensor, layer: Hidden, gain: Tensor | None, gain_sum: Tensor | None
) -> Tensor:
    """Passes a slope back through an activation. The slope that is passed in is overwritten.

    The gain's gradient is added to `gain_sum`.
    """
    ahead = torch.ops.aten.threshold_backward.grad_input(
        ahead, layer.activations, 0, grad_input=ahead
    )
    if gain is None:
        return ahead
    normalised = layer.centred * layer.scale
    gain_sum.add_(normalised.mul_(ahead).sum(1, keepdim=True))
    mean = torch.zeros_like(layer.scale)
    before, _, _ = torch.ops.aten.native_layer_norm_backward(
        ahead.mul_(gain), layer.centred, ahead.shape[-1:], mean, layer.scale, None, None,
        [True, False, False],
    )  # fmt: skip
    return before


class _Known(torch.autograd.Function):
    """A scalar loss whose gradients are already known."""

    @staticmethod
    def forward(ctx, loss: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx, ahead: Tensor):
        return None, None, *torch._foreach_mul(ctx.gradients, ahead)


def known_loss(
    loss: Tensor, gradients: Parameters, parameters: Parameters, states: Tensor
) -> Tensor:
    """`loss`, a scalar, whose backward pass gives the gradients from `value_gradients`."""
    given = parameters | {STATES: states}
    return _Known.apply(loss, list(gradients.values()), *(given[name] for name in gradients))
