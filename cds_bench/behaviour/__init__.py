"""Behaviour policies: trained with SAC or PPO and frozen, or scripted. They act with numpy only."""

import importlib
from collections.abc import Callable


def train_with(learner: str) -> Callable[..., None]:
    """The function that trains a behaviour policy with the learner "ppo" or "sac"."""
    return importlib.import_module(f"cds_bench.behaviour.{learner}").train
