"""Noise for stacked seeds. Each seed draws from its own named stream, whichever seeds join it."""

import torch
from torch import Tensor

from cds_bench.seeding import seed_of


class Noise:
    """Draws of shape [S, ...]. Row s comes from the stream (purpose, suite, algorithm, seeds[s]).

    The sharing strategy is not part of the name. All strategies therefore use the same random
    numbers for a seed, so that comparisons between them are paired.
    """

    def __init__(self, purpose: str, suite: str, algorithm: str, seeds: list[int], device: str):
        self.device = device
        self.generators = [
            torch.Generator(device).manual_seed(seed_of(purpose, suite, algorithm, seed))
            for seed in seeds
        ]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, float32 [S, *shape]."""
        draws = torch.empty(len(self.generators), *shape, device=self.device)
        for row, generator in zip(draws, self.generators, strict=True):
            row.normal_(generator=generator)
        return draws

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Uniform on [0, 1), [S, *shape]."""
        draws = torch.empty(len(self.generators), *shape, device=self.device, dtype=dtype)
        for row, generator in zip(draws, self.generators, strict=True):
            row.uniform_(generator=generator)
        return draws

    def states(self) -> list[Tensor]:
        """The state of each seed's stream."""
        return [generator.get_state() for generator in self.generators]

    def set_states(self, states: list[Tensor]) -> None:
        """Restores the states that `states` returned."""
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state)
