"""Worlds, tasks and rewards: numpy, gymnasium and mujoco only.

Importing this package reads descriptions alone; `make` imports gymnasium and mujoco when called.
"""

import importlib

from envs import locomotion
from envs.specs import QUALITIES, Columns, Source, Suite, Task

__all__ = ["QUALITIES", "SUITES", "TASKS", "Columns", "Source", "Suite", "Task", "make"]

TASKS: dict[str, Task] = {**locomotion.TASKS}
SUITES: dict[str, Suite] = {**locomotion.SUITES}
_WORLDS = {"locomotion": "envs.walker2d"}


def make(task: str, **kwargs):
    """The Gymnasium environment of a task, with its time limit (`kwargs` as for gymnasium.make)."""
    import gymnasium

    importlib.import_module(_WORLDS[TASKS[task].domain])
    return gymnasium.make(TASKS[task].env_id, disable_env_checker=True, **kwargs)
