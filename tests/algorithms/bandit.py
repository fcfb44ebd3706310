"""The smallest problem with a known answer: one state, one step, which pays the first action."""

import dataclasses
from types import ModuleType
from typing import Any

import numpy as np
import torch

from cds_bench.training import data, loop
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job

TASKS, ROWS = 3, 300  # of each task


def train(algorithm: ModuleType, config: Any, steps: int) -> tuple[Any, torch.Tensor, np.ndarray]:
    """The trained learner, the networks' input for each task [1, T, O + T], and payments [T, B]."""
    pool = make_pool((ROWS,) * TASKS)
    pay = np.repeat(pool.actions[:, :1], TASKS, axis=1)
    pool = dataclasses.replace(
        pool,
        observations=np.ones_like(pool.observations),
        next_observations=np.ones_like(pool.next_observations),
        rewards=pay.astype(np.float32),
        terminals=np.ones_like(pool.terminals),
        observation_mean=np.zeros_like(pool.observation_mean),
        observation_scale=np.ones_like(pool.observation_scale),
    )
    name = algorithm.__name__.split(".")[-1]
    job = make_job(
        "no_sharing",
        algorithm=algorithm,
        algorithm_name=name,
        algorithm_config=config,
        batch_size=64,
    )
    on_device = loop.device_pool(job, pool)
    state = loop.start(job, on_device)
    for _ in range(steps):
        loop.train_step(job, on_device, state)
    states = data.states(on_device, on_device.observations[:TASKS], torch.arange(TASKS))[None]
    return state.learner, states, pay[:, 0].astype(float).reshape(TASKS, ROWS)
