"""Worlds, tasks and rewards: numpy, gymnasium and mujoco only.

Importing this package reads descriptions alone; `make` imports gymnasium and mujoco when called.
"""

import importlib

from envs import locomotion, manipulation, navigation, reach, vision
from envs.specs import Columns, Source, Suite, Task, WorldError

__all__ = [
    "DOMAINS", "POLICIES", "SKILLS", "SUITES", "TASKS",
    "Columns", "Source", "Suite", "Task", "WorldError", "make",
]  # fmt: skip

# Each domain's descriptions, and the module that registers its environments.
DOMAINS = {
    "locomotion": (locomotion, "envs.walker2d"),
    "navigation": (navigation, "envs.maze"),
    "manipulation": (manipulation, "envs.sawyer"),
    "vision": (vision, "envs.tabletop"),
}
TASKS: dict[str, Task] = {
    name: task for domain, _ in DOMAINS.values() for name, task in domain.TASKS.items()
}
SUITES: dict[str, Suite] = {
    name: suite for domain, _ in DOMAINS.values() for name, suite in domain.SUITES.items()
}
SKILLS: dict[str, Task] = {reach.ANT_REACH.name: reach.ANT_REACH}  # of behaviour policies
POLICIES = sorted({task.policy for task in TASKS.values() if task.policy})  # trained ones


def make(task: str, **kwargs):
    """The Gymnasium environment of a task or skill, with its time limit.

    `kwargs` as for gymnasium.make. Raises WorldError where the world can't be built.
    """
    import gymnasium

    described = (TASKS | SKILLS)[task]
    importlib.import_module(DOMAINS[described.domain][1])
    return gymnasium.make(described.env_id, disable_env_checker=True, **kwargs)
