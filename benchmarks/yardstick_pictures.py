"""The plain CQL of `yardstick` on pictures, like public single-file implementations (DrQ's form).

It trains one seed of one task. The critics share an encoder of three convolutions and a linear
layer, the policy uses its features without gradient, and the target critics have a target encoder.
The layers have the engine's sizes, but it shares no code with cds_bench.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.yardstick import CQL, Config


class Encoder(nn.Module):
    """Features [M, F] of pictures uint8 [M, channels, height, width]."""

    def __init__(self, picture: list[int], features: int):
        super().__init__()
        height, width, channels = picture
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 32, 4, 4), nn.ReLU(),
            nn.Conv2d(32, 64, 2, 2), nn.ReLU(),
            nn.Conv2d(64, 64, 3, 1), nn.ReLU(),
        )  # fmt: skip
        with torch.no_grad():
            size = self.convolutions(torch.zeros(1, channels, height, width)).numel()
        self.linear = nn.Linear(size, features)

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.convolutions(pictures.float() / 127.5 - 1.0)
        found = self.linear(found.flatten(1))
        return F.layer_norm(found, found.shape[-1:])


class PictureCQL(CQL):
    """CQL whose observations are features of an encoder that the critics' losses train."""

    def __init__(self, config: Config, picture: list[int]):
        super().__init__(config)
        self.encoder = Encoder(picture, config.observation).to(config.device)
        self.target_encoder = copy.deepcopy(self.encoder)
        self.encoder_optimiser = torch.optim.Adam(
            self.encoder.parameters(), config.critic_learning_rate
        )

    def step(self, batch: dict[str, Tensor]) -> None:
        states = self.encoder(batch["pictures"])
        with torch.no_grad():
            next_states = self.encoder(batch["next_pictures"])
            lagged = self.target_encoder(batch["next_pictures"])
            actions, _ = self.policy(next_states, 1)
            following = torch.min(*(each(lagged, actions.squeeze(1)) for each in self.targets))
            target = batch["rewards"] + self.config.discount * (1 - batch["terminals"]) * following
        policy_loss, temperature_loss = self.policy_losses(states.detach())
        proposals = self.propose(states.detach(), next_states)
        self._descend(self.temperature_optimiser, temperature_loss)
        self._descend(self.policy_optimiser, policy_loss)  # also leaves gradients in the critics
        seen = {"observations": states, "actions": batch["actions"]}
        losses = [self.critic_loss(each, seen, target, proposals) for each in self.critics]
        optimisers = [*self.critic_optimisers, self.encoder_optimiser]
        for optimiser in optimisers:
            optimiser.zero_grad()
        sum(losses).backward()
        for optimiser in optimisers:
            optimiser.step()
        for source, target in zip(
            (*self.critics, self.encoder), (*self.targets, self.target_encoder), strict=True
        ):
            self._follow(source, target)


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step on a random batch, drawn by index from pictures on the device."""
    torch.manual_seed(0)
    config = Config.of(spec)
    rows, (height, width, channels) = spec["rows"], spec["picture"]
    shape = (rows + 1, channels, height, width)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, device=config.device)
    data = {
        "actions": 2 * torch.rand(rows, config.action, device=config.device) - 1,
        "rewards": torch.randn(rows, device=config.device),
        "terminals": torch.zeros(rows, device=config.device),
    }
    learner = PictureCQL(config, spec["picture"])

    def step() -> int:
        chosen = torch.randint(rows, (config.batch,), device=config.device)
        batch = {name: tensor[chosen] for name, tensor in data.items()}
        learner.step(batch | {"pictures": pictures[chosen], "next_pictures": pictures[chosen + 1]})
        return 1

    return step
