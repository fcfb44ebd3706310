"""Behaviour policies, trained with SAC or PPO and frozen, or scripted; acted with numpy alone."""

import importlib
from collections.abc import Callable

# Each domain's module of recipes; see `recipes`.
RECIPES = {
    "locomotion": "cds_bench.behaviour.select",
    "navigation": "cds_bench.behaviour.waypoints",
    "manipulation": "cds_bench.behaviour.scripts",
    "vision": "cds_bench.behaviour.grasps",
}


def train_with(learner: str) -> Callable[..., None]:
    """The function that trains a behaviour policy with a learner, "ppo" or "sac"."""
    return importlib.import_module(f"cds_bench.behaviour.{learner}").train
