"""The yardstick with the loop of public single-file scripts (CORL's form).

NumPy draws the rows of a batch on the host, and every loss is read back in each step, as such
scripts do to log it. On a GPU, each reading waits for the device.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import yardstick


class ScriptCQL(yardstick.CQL):
    """CQL that keeps the losses of its last step as numbers."""

    def step(self, batch: dict[str, Tensor]) -> None:
        self.losses: list[float] = []
        super().step(batch)

    def _descend(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        super()._descend(optimiser, loss)
        self.losses.append(loss.item())


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step on a random batch, whose rows the host draws."""
    torch.manual_seed(0)
    rng, config = np.random.default_rng(0), yardstick.Config.of(spec)
    data, learner = yardstick.device_data(spec), ScriptCQL(config)

    def step() -> int:
        rows = torch.from_numpy(rng.integers(spec["rows"], size=config.batch)).to(config.device)
        learner.step({name: tensor[rows] for name, tensor in data.items()})
        return 1

    return step
