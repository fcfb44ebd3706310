"""The behaviours that make each quality of data. Each domain has a module with its name.

That module defines `recipes(config, task, quality) -> list[Recipe]` and REFERENCE, the quality
whose policy is the behaviour policy in a task's reference scores.
"""

import importlib
from types import ModuleType

import envs
from cds_bench.behaviour.rollout import Recipe, uniform
from cds_bench.config import Config
from envs.own import KnownTask


def module(task: str) -> ModuleType:
    """The module with the recipes of a task's domain."""
    described = envs.TASKS[task]
    name = "own" if isinstance(described, KnownTask) else described.domain
    return importlib.import_module(f"cds_bench.behaviour.{name}")


def recipes(config: Config, env, quality: str) -> list[Recipe]:
    """The recipes of a quality in an environment. `random` is uniform in every domain."""
    if quality == "random":
        return [Recipe(uniform(env.action_space.shape[0]), {"policy": "uniform"})]
    task = env.unwrapped.task.name
    return module(task).recipes(config, task, quality)
