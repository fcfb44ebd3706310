"""Networks and densities of one vector at a time, for literal implementations."""

import torch

from cds_bench.algorithms import networks
from cds_bench.records import Batch


def in_double(batch: Batch) -> Batch:
    """The batch in float64; a batch of vectors has no pictures."""
    there = {name: value for name, value in vars(batch).items() if value is not None}
    return Batch(**{name: value.double() for name, value in there.items()})


def mlp(layers, x):
    """A plain network: layers [(weight, bias, gain or None), ...], x a vector."""
    for weight, bias, gain in layers[:-1]:
        x = x @ weight + bias
        if gain is not None:
            x = gain * (x - x.mean()) / (x.var(unbiased=False) + networks.NORM_EPSILON).sqrt()
        x = torch.relu(x)
    weight, bias, _ = layers[-1]
    return x @ weight + bias


def layers(parameters, index):
    def gain(k):
        return parameters[f"g{k}"][index, 0] if f"g{k}" in parameters else None

    return [
        (w := parameters[f"w{k}"][index], parameters[f"b{k}"][index, 0, : w.shape[1]], gain(k))
        for k in range(networks.depth(parameters))
    ]


def resting(net):
    """The same layers without gradients."""
    return [tuple(x if x is None else x.detach() for x in layer) for layer in net]


def density(mean, log_std, before):
    """log pi(tanh(before)) by the change of variables, literally."""
    normal = torch.distributions.Normal(mean, log_std.exp())
    return (normal.log_prob(before) - torch.log(1 - torch.tanh(before) ** 2)).sum()


def likelihood(mean, log_std, before):
    """log pi(tanh(before)); the gradient of each dimension is multiplied by its variance."""
    normal = torch.distributions.Normal(mean, log_std.exp())
    scaled = (normal.variance.detach() * normal.log_prob(before)).sum()
    return density(mean, log_std, before).detach() + scaled - scaled.detach()
