"""Encoders of pictures: one per seed, stacked, of three convolutions and a linear layer.

Letters are those of `records`; F features. A learner of vectors has an empty encoder, which is the
identity. Parameters w<k> [S, in, F], b<k> [S, 1, F]: those of the convolutions, whose inputs are
kernel x kernel x channels, row by row, and last those of the linear layer. The features are
normalised to mean 0 and variance 1 [ours], as wide inputs of the critics need it.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from cds_bench.algorithms import networks
from cds_bench.errors import BenchError
from cds_bench.records import Parameters


class Convolution(NamedTuple):
    """A convolution without padding; kernel and stride are alike along both sides."""

    kernel: int
    stride: int
    channels: int


# Small, so that a CPU can train them [ours]. The first convolution sees squares of 4 x 4 pixels
# without overlap. The 48 numbers of a square lose little in 32 channels.
CONVOLUTIONS = (Convolution(4, 4, 32), Convolution(2, 2, 64), Convolution(3, 1, 64))
FEATURES = 64
SHIFT = 4  # pixels; random shifts are at most this large along each side, as in DrQ


def initialise_encoder(
    generators: list[torch.Generator], picture: tuple[int, int, int] | None, device: str
) -> Parameters:
    """Fresh encoders of pictures, or none; `layers` says which pictures are refused."""
    if picture is None:
        return {}
    return networks.initialise_layers(generators, 1, layers(picture), device)


def layers(picture: tuple[int, int, int]) -> list[tuple[int, int]]:
    """The numbers of inputs and outputs of each layer for pictures [height, width, channels].

    Raises BenchError if a picture is too small for the convolutions.
    """
    height, width, channels = picture
    found = []
    for kernel, stride, outputs in CONVOLUTIONS:
        found.append((kernel * kernel * channels, outputs))
        height, width = ((side - kernel) // stride + 1 for side in (height, width))
        channels = outputs
        if min(height, width) < 1:
            raise BenchError(
                f"observations have {picture[0]} x {picture[1]} pixels, which are too few for the "
                "encoder's convolutions; draw larger pictures"
            )
    return [*found, (height * width * channels, FEATURES)]


def features(encoder: Parameters, pictures: Tensor) -> Tensor:
    """The features [S, M, F] of pictures uint8 [S, M, height, width, channels]."""
    convolve = _apart if pictures.device.type == "cpu" else _grouped
    seen = convolve(encoder, pictures)  # [S, M, height, width, channels]
    last = len(CONVOLUTIONS)
    found = networks.affine(seen.flatten(2), encoder[f"w{last}"], encoder[f"b{last}"])
    found = found - found.mean(-1, keepdim=True)
    return found * networks.inverse_deviation(found)


def as_seen(encoder: Parameters, states: Tensor, pictures: Tensor | None) -> Tensor:
    """The states [S, M, F+T] with the features of another encoder; the same states of vectors."""
    if not encoder:
        return states
    return torch.cat([features(encoder, pictures), states[..., FEATURES:]], dim=-1)


def shifted(pictures: Tensor, uniform: Tensor) -> Tensor:
    """Pictures [S, M, height, width, channels], each shifted by up to SHIFT pixels along each side.

    uniform: [S, M, 2] on [0, 1). The edge's pixels are repeated, as in DrQ (Kostrikov et al. 2020).
    """
    height, width, channels = pictures.shape[2:]
    by = ((uniform * (2 * SHIFT + 1)).long() - SHIFT).flatten(0, 1)  # [S M, 2]
    edges = [pictures[:, :, :, k].unsqueeze(3).expand(-1, -1, -1, SHIFT, -1) for k in (0, -1)]
    padded = torch.cat([edges[0], pictures, edges[1]], dim=3)
    # A shifted row of a picture is one run of bytes in a padded row, which is copied at once.
    runs = padded.view(-1).unfold(0, width * channels, channels)
    rows = (torch.arange(height, device=by.device) + by[:, :1]).clamp_(0, height - 1)
    rows += height * torch.arange(len(by), device=by.device)[:, None]
    starts = rows * padded.shape[3] + SHIFT + by[:, 1:]
    return runs.index_select(0, starts.flatten()).view_as(pictures)


def _apart(encoder: Parameters, pictures: Tensor) -> Tensor:
    """The convolutions of each seed after those of the other, [S, M, height, width, channels].

    On a CPU this takes about half the time of one grouped convolution, or of products of unfolded
    pictures, because whole channels stay next to each other. It also keeps seeds independent.
    """
    weights, biases = _kernels(encoder, pictures.shape[-1])
    found = []
    for seed, seen in enumerate(pictures):
        x = _scaled(seen.permute(0, 3, 1, 2))
        for k, (_, stride, _) in enumerate(CONVOLUTIONS):
            x = F.conv2d(x, weights[k][seed], biases[k][seed], stride).relu_()
        found.append(x.permute(0, 2, 3, 1))
    return torch.stack(found)


def _grouped(encoder: Parameters, pictures: Tensor) -> Tensor:
    """As `_apart`, in one grouped convolution a layer, so that a GPU is started once."""
    seeds, count, height, width, channels = pictures.shape
    weights, biases = _kernels(encoder, channels)
    x = pictures.permute(1, 0, 4, 2, 3).reshape(count, seeds * channels, height, width)
    x = _scaled(x)
    for k, (_, stride, _) in enumerate(CONVOLUTIONS):
        kernel = torch.stack(weights[k]).flatten(0, 1)
        x = F.conv2d(x, kernel, torch.cat(biases[k]), stride, groups=seeds).relu_()
    return x.unflatten(1, (seeds, -1)).permute(1, 0, 3, 4, 2)


def _scaled(pixels: Tensor) -> Tensor:
    """Pixels as numbers in [-1, 1]."""
    return pixels.float().mul_(2.0 / 255.0).sub_(1.0)


def _kernels(encoder: Parameters, channels: int) -> tuple[list, list]:
    """Each convolution's weights [out, in, kernel, kernel] and biases [out], seed by seed."""
    weights, biases = [], []
    for k, (kernel, _, outputs) in enumerate(CONVOLUTIONS):
        shaped = encoder[f"w{k}"].unflatten(1, (kernel, kernel, channels))
        weights.append(shaped.permute(0, 4, 3, 1, 2).unbind(0))
        biases.append(encoder[f"b{k}"][:, 0].unbind(0))
        channels = outputs
    return weights, biases
