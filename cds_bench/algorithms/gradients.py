"""Values of stacked critics and their gradients in one pass, in blocks that stay in the cache.

Letters as in `networks`; G networks of the stack and R states make a block, H hidden units.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from cds_bench.algorithms.networks import NORM_EPSILON, affine, depth
from cds_bench.records import Parameters

# loss(values [G, R, K], networks, rows) -> the loss of a block, a scalar; `networks` and `rows` are
# the block's slices of the stack and of the states. It adds up over blocks.
Loss = Callable[[Tensor, slice, slice], Tensor]
# Activations of a layer in one pass on a CPU: what passes between layers then stays in its cache.
CACHED_ACTIVATIONS = 2**19


class Layer(NamedTuple):
    """A layer's parameters, or the sums of their gradients; a gain if it is normalised."""

    weight: Tensor
    bias: Tensor
    gain: Tensor | None


class Hidden(NamedTuple):
    """A hidden layer's activations [G, R K, H] and, if it is normalised, the intermediate results.

    normalised: (x - mean) / deviation, likewise; scale: 1 / deviation, [G, R K, 1].
    """

    activations: Tensor
    normalised: Tensor | None = None
    scale: Tensor | None = None


@torch.no_grad()
def value_gradients(
    critic: Parameters, states: Tensor, actions: Tensor, loss: Loss
) -> tuple[Tensor, Parameters]:
    """Q_c(s, a) as in `q_values`, and the gradients of the loss in the critics' parameters.

    states [S, M, O+T], actions [S, M, K, A] -> values [S, 2, M, K], gradients like critic.
    Autograd differentiates the loss in the values alone; the pass back through the networks is
    below. It follows block by block, right behind the values: on a CPU a block is some states of
    one network, so that activations never leave the cache, and a seed's sums do not depend on its
    companions; on a GPU it is everything.
    """
    (seeds, rows, _), count = states.shape, actions.shape[2]
    critic = {name: value.detach() for name, value in critic.items()}
    gradients = {name: torch.zeros_like(value) for name, value in critic.items()}
    both, acted = (x.repeat_interleave(2, dim=0) for x in (states, actions))
    values = states.new_empty(2 * seeds, rows, count)
    width = max(value.shape[-1] for value in critic.values())
    blocks = _blocks(rows, count * width, states.device)
    together = 1 if states.device.type == "cpu" else 2 * seeds
    for first in range(0, 2 * seeds, together):
        networks = slice(first, first + together)
        layers, sums = _layers(critic, networks), _layers(gradients, networks)
        for block in blocks:
            state, action = both[networks, block], acted[networks, block]
            hidden = _hidden(layers, state, action)
            found = affine(hidden[-1].activations, *layers[-1][:2]).view(len(state), -1, count)
            values[networks, block] = found
            with torch.enable_grad():
                found.requires_grad_()
                (slopes,) = torch.autograd.grad(loss(found, networks, block), found)
            _backward(layers, sums, state, action, hidden, slopes)
    return values.view(seeds, 2, rows, count), gradients


def _blocks(rows: int, activations: int, device: torch.device) -> list[slice]:
    """Slices of the rows, `activations` each, passed together: near-equal ones on a CPU."""
    number = math.ceil(rows * activations / CACHED_ACTIVATIONS) if device.type == "cpu" else 1
    edges = [round(rows * k / number) for k in range(number + 1)]
    return [slice(*edge) for edge in itertools.pairwise(edges)]


def _layers(parameters: Parameters, stack: slice) -> list[Layer]:
    """The layers of some networks of the stack."""
    return [
        Layer(*(p if (p := parameters.get(f"{kind}{k}")) is None else p[stack] for kind in "wbg"))
        for k in range(depth(parameters))
    ]


def _hidden(layers: list[Layer], states: Tensor, actions: Tensor) -> list[Hidden]:
    """Every hidden layer of states [G, R, O+T] and actions [G, R, K, A]."""
    size = states.shape[-1]
    (weight, bias, gain), *others = layers
    state_part = affine(states, weight[:, :size], bias)
    first = torch.bmm(actions.flatten(1, 2), weight[:, size:]).view(*actions.shape[:3], -1)
    hidden = [_activate(first.add_(state_part.unsqueeze(2)).flatten(1, 2), gain)]
    for weight, bias, gain in others[:-1]:
        hidden.append(_activate(affine(hidden[-1].activations, weight, bias), gain))
    return hidden


def _activate(values: Tensor, gain: Tensor | None) -> Hidden:
    """As `networks.activate`; what the gradient needs is kept."""
    if gain is None:
        return Hidden(values.relu_())
    size = values.shape[-1:]
    normalised, _, scale = torch.native_layer_norm(values, size, None, None, NORM_EPSILON)
    return Hidden((normalised * gain).relu_(), normalised, scale)


def _backward(
    layers: list[Layer],
    sums: list[Layer],
    states: Tensor,
    actions: Tensor,
    hidden: list[Hidden],
    slopes: Tensor,
) -> None:
    """Adds a block's gradients to `sums`; overwrites the activations."""
    ahead = slopes.flatten(1, 2).unsqueeze(-1)  # dL/d(what the layer puts out), before its ReLU
    for k in range(len(hidden), 0, -1):
        weight, below = layers[k].weight, hidden[k - 1]
        sums[k].weight.baddbmm_(below.activations.mT, ahead)
        sums[k].bias[..., : weight.shape[-1]].add_(ahead.sum(1, keepdim=True))
        ahead = _relu_backward(_outward(ahead, weight), below.activations)
        if below.normalised is not None:
            sums[k - 1].gain.add_((ahead * below.normalised).sum(1, keepdim=True))
            ahead = _norm_backward(ahead * layers[k - 1].gain, below.normalised, below.scale)
    size = states.shape[-1]
    weight_sum, bias_sum, _ = sums[0]
    weight_sum[:, size:].baddbmm_(actions.flatten(1, 2).mT, ahead)
    of_states = ahead.view(*slopes.shape, -1).sum(2)
    weight_sum[:, :size].baddbmm_(states.mT, of_states)
    bias_sum[..., : ahead.shape[-1]] += of_states.sum(1, keepdim=True)


def _outward(ahead: Tensor, weight: Tensor) -> Tensor:
    """ahead weight^T; of a layer with one output by elements, which is three times as fast."""
    return ahead * weight.mT if weight.shape[-1] == 1 else torch.bmm(ahead, weight.mT)


def _relu_backward(ahead: Tensor, activations: Tensor) -> Tensor:
    """`ahead` where the activations are positive, else 0; overwrites both."""
    return torch.ops.aten.threshold_backward.grad_input(ahead, activations, 0, grad_input=ahead)


def _norm_backward(ahead: Tensor, normalised: Tensor, scale: Tensor) -> Tensor:
    """dL/dx of the slope `ahead` in (x - mean) / deviation, each [G, R K, H]."""
    along = (ahead * normalised).mean(-1, keepdim=True)
    return scale * (ahead - ahead.mean(-1, keepdim=True) - normalised * along)


class _Known(torch.autograd.Function):
    """A loss, a scalar, with gradients that are known already."""

    @staticmethod
    def forward(ctx, loss: Tensor, gradients: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx, ahead: Tensor):
        return None, None, *torch._foreach_mul(ctx.gradients, ahead)


def known_loss(loss: Tensor, gradients: Parameters, parameters: Parameters) -> Tensor:
    """`loss`, a scalar, with the gradients that `value_gradients` found for it."""
    return _Known.apply(loss, list(gradients.values()), *parameters.values())
