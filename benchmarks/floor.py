"""The floor of a step: the time of its matrix products only.

Nothing that computes the same products with this machine's matrix kernels can be faster. The share
of the floor that the engine reaches shows how much a better engine could still gain.
"""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from benchmarks import engine
from cds_bench.algorithms.gradients import CACHED_ACTIVATIONS


class Product(NamedTuple):
    """A layer's products for a stack of `batch`: rows [m, k] times a weight [k, n].

    forward, weight, input: whether the values, the gradient of the weight and the gradient of the
    rows are computed. Each takes m k n multiply-adds. trained: whether the product belongs to the
    critics' gradients, which the engine computes in blocks.
    """

    name: str
    batch: int
    m: int
    k: int
    n: int
    forward: bool = True
    weight: bool = False
    input: bool = False
    trained: bool = False

    @property
    def multiply_adds(self) -> int:
        return self.batch * self.m * self.k * self.n * (self.forward + self.weight + self.input)


def products(spec: dict[str, Any]) -> list[Product]:
    """Every matrix product of one CQL step of all seeds.

    The part of a critic's first layer that depends on the state is counted once per state, as the
    engine computes it. Every strategy except no_sharing is assumed to evaluate each transition
    once, as cds does.
    """
    config = engine.make_job(spec).algorithm_config
    seeds, rows = spec["seeds"], spec["batch"] * spec["tasks"]
    states, action, hidden = spec["observation"] + spec["tasks"], spec["action"], spec["hidden"]

    def critic(
        name: str, each: int, of_states: dict, of_actions: dict, of_hidden: dict
    ) -> list[Product]:
        stack, widths = 2 * seeds, itertools.pairwise([*hidden, 1])
        return [
            Product(f"{name}: states", stack, rows, states, hidden[0], **of_states),
            Product(f"{name}: actions", stack, rows * each, action, hidden[0], **of_actions),
            *(Product(name, stack, rows * each, k, n, **of_hidden) for k, n in widths),
        ]

    first, *others = list(itertools.pairwise([states, *hidden, 2 * action]))
    found = [
        Product("policy at s", seeds, rows, *first, weight=True),
        *(Product("policy at s", seeds, rows, *k, weight=True, input=True) for k in others),
        *(Product("policy at s'", seeds, rows, *k) for k in (first, *others)),
        *critic("target critic", config.backup_actions, {}, {}, {}),
    ]
    if config.policy_improvement == "gradient":
        found += critic("policy's critic", 1, {}, {"input": True}, {"input": True})
    if spec["sharing"] != "no_sharing":
        found += critic("strategy's critic", 1, {}, {}, {})
    gradients = {"trained": True, "weight": True}
    backward = gradients | {"input": True}  # states and actions are data without gradient
    return found + critic("critic", 3 * config.actions + 1, gradients, gradients, backward)


def calls(product: Product, device: str) -> list[Callable[[], Any]]:
    """The products as calls on their own tensors, which overwrite their previous results."""

    def made(*shape: int) -> torch.Tensor:
        return torch.randn(product.batch, *shape, device=device)

    rows, weight = made(product.m, product.k), made(product.k, product.n)
    ahead = made(product.m, product.n)
    found = []
    if product.forward:
        found.append(partial(torch.bmm, rows, weight, out=torch.empty_like(ahead)))
    if product.weight:
        found.append(partial(torch.bmm, rows.mT, ahead, out=torch.empty_like(weight)))
    if product.input:
        found.append(partial(torch.bmm, ahead, weight.mT, out=torch.empty_like(rows)))
    return found


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step of products, at their full size if `whole`, else in blocks that stay in the cache.

    With blocks, the critics' networks are computed one after the other, and all blocks use the same
    tensors. On a CPU, products with one column are always computed network by network, because
    batched ones are slow.
    """
    torch.manual_seed(0)
    device, width = spec["device"], max(spec["hidden"])
    work: list[Callable] = []
    for product in products(spec):
        in_blocks = product.trained and not spec["whole"]
        if not in_blocks and (product.n > 1 or device != "cpu"):
            work += calls(product, device)
            continue
        blocks = math.ceil(product.m * width / CACHED_ACTIVATIONS) if in_blocks else 1
        block = product._replace(batch=1, m=math.ceil(product.m / blocks))
        for _ in range(product.batch):
            work += blocks * calls(block, device)

    def step() -> int:
        for call in work:
            call()
        return 1

    return step
