"""Vision: ten pick-and-place tasks observed as pictures, their sparse rewards and their suite.

There are seven objects to lift and three containers to place things in [the names are the paper's,
the rest is ours]. Rewards depend on the state after the step:

    lift-<object>      1 if the object is at least 0.08 m above its height at rest, else 0
    place-<container>  1 if any object lies in the container and the gripper has let go, else 0

An episode ends when the reward of its task is 1. A place task asks for no particular object: any
object on the table counts. In data, an attempt that has failed may be given up, which ends its
episode for every task.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from envs.specs import GIVEN_UP, Columns, Source, Suite, Task

OBJECTS = ("banana", "bottle", "sausage", "milk", "food", "can", "carrot")
CONTAINERS = ("bowl", "plate", "divider-plate")
LIFTED = 0.08  # metres
HORIZONS = {"lift": 20, "place": 25}  # steps; the script needs 8 and 15
PICTURE = (48, 48, 3)
HEIGHTS = {name: f"{name}_height" for name in OBJECTS}  # metres above rest; 0 if absent
CONTENTS = {name: f"{name}_contents" for name in CONTAINERS}  # objects in it, released
INFOS = (*HEIGHTS.values(), *CONTENTS.values(), GIVEN_UP)
AXES = ("height of the banana (m)", "height of the bottle (m)")
ENVIRONMENTS = "envs.tabletop"
BANDS = {"noisy": (0.3, 0.6)}


def lifted(columns: Columns, thing: str) -> np.ndarray:
    """Whether an object is at least 0.08 m above its height at rest on the table, bool [N]."""
    return columns[f"infos/{HEIGHTS[thing]}"] >= LIFTED


def placed(columns: Columns, container: str) -> np.ndarray:
    """Whether any object lies in a container and has been released, bool [N]."""
    return columns[f"infos/{CONTENTS[container]}"] >= 1


def lift(columns: Columns, thing: str) -> np.ndarray:
    """1 if an object is lifted, else 0, float64 [N]."""
    return lifted(columns, thing).astype(np.float64)


def place(columns: Columns, container: str) -> np.ndarray:
    """1 if any object is placed in a container, else 0, float64 [N]."""
    return placed(columns, container).astype(np.float64)


def ended(columns: Columns, done: Callable[[Columns], np.ndarray]) -> np.ndarray:
    """Whether the task is done or the attempt was given up, bool [N]."""
    return done(columns) | (columns[f"infos/{GIVEN_UP}"] > 0)


def _task(name, reward, done):
    return Task(
        name=name,
        domain="vision",
        env_id=f"cds/{name}-v0",
        metric="success",
        horizon=HORIZONS[name.partition("-")[0]],
        infos=INFOS,
        axes=AXES,
        reward=reward,
        terminal=partial(ended, done=done),
        picture=PICTURE,
    )


# What each task is about: an object or a container.
ABOUT = {f"lift-{name}": name for name in OBJECTS} | {f"place-{name}": name for name in CONTAINERS}

TASKS = {
    name: _task(name, partial(lift, thing=about), partial(lifted, thing=about))
    if about in OBJECTS
    else _task(name, partial(place, container=about), partial(placed, container=about))
    for name, about in ABOUT.items()
}

PAPER_SIZE = 50_000  # transitions per task [ours; the paper's sizes are not known]

# Light variants: three lifts and a place task, and a task of each skill.
FOUR = ("lift-banana", "lift-bottle", "lift-can", "place-bowl")
SMALL = ("lift-can", "place-bowl")


def _suite(name: str, tasks) -> Suite:
    sources = {task: Source("noisy", PAPER_SIZE) for task in tasks}
    return Suite(name=name, domain="vision", sources=sources)


SUITES = {
    "pick-place": _suite("pick-place", TASKS),
    "pick-place-four": _suite("pick-place-four", FOUR),
    "pick-place-small": _suite("pick-place-small", SMALL),
}
