"""d3rlpy's CQL in its own environment, which has torch but nothing of cds_bench.

Networks, actions, batch size and learning rates are those of the engine. The Lagrange multiplier is
fixed (`alpha_learning_rate=0`). The backup is d3rlpy's default, at the mean action. `loop` in the
specification says what a step is. "fit" is d3rlpy's own loop, which samples transitions in Python;
nothing is logged. "update" is only the update, on batches that were sampled before.
"""

import itertools
from collections.abc import Callable
from typing import Any

import d3rlpy
import numpy as np
import torch

EPOCH = 5  # steps of one call into d3rlpy's loop
PREPARED = 64  # batches that were sampled before


def make_dataset(path: str) -> d3rlpy.dataset.MDPDataset:
    """The transitions of an .npz file. Terminals end episodes; the last episode is cut."""
    arrays = np.load(path)
    terminals = arrays["terminals"][:, 0]
    timeouts = np.zeros_like(terminals)
    timeouts[-1] = 1.0 - terminals[-1]
    return d3rlpy.dataset.MDPDataset(
        arrays["observations"], arrays["actions"], arrays["rewards"], terminals, timeouts
    )


def make_algorithm(spec: dict[str, Any]) -> d3rlpy.algos.CQL:
    encoder = d3rlpy.models.VectorEncoderFactory(hidden_units=list(spec["hidden"]))
    return d3rlpy.algos.CQLConfig(
        actor_encoder_factory=encoder,
        critic_encoder_factory=encoder,
        batch_size=spec["batch"],
        n_action_samples=spec["actions"],
        alpha_learning_rate=0.0,
    ).create(device=spec["device"])


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    d3rlpy.seed(0)
    torch.set_num_threads(spec["threads"])
    dataset, algorithm = make_dataset(spec["data"]), make_algorithm(spec)
    if spec["loop"] == "fit":
        epochs = algorithm.fitter(
            dataset,
            n_steps=10**9,
            n_steps_per_epoch=EPOCH,
            show_progress=False,
            logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
        )

        def step() -> int:
            next(epochs)
            return EPOCH

        return step

    algorithm.build_with_dataset(dataset)
    sampled = (dataset.sample_transition_batch(spec["batch"]) for _ in range(PREPARED))
    batches = itertools.cycle(list(sampled))

    def update() -> int:
        algorithm.update(next(batches))
        return 1

    return update
