"""Manipulation: four tasks on one door and one drawer, their sparse rewards, and their suites.

The reward is 1 if the joint is past its threshold after the step, else 0 [recalled]. The
thresholds on joint positions are equivalent to Meta-World's own success conditions:

    door-open     door angle <= -1.38 rad       door-close    door angle >= -0.178 rad
    drawer-open   drawer position <= -0.15 m    drawer-close  drawer position >= -0.03 m

Both joints read 0 when closed. An episode continues after success; only the time limit ends it.
"""

import numpy as np

from envs.specs import Columns, Source, Suite, Task, scarce, single

DOOR, DRAWER = "door_angle", "drawer_position"
INFOS = (DOOR, DRAWER)
AXES = ("door angle (rad)", "drawer position (m)")
ENVIRONMENTS = "envs.sawyer"
BANDS = {"wide": (0.2, 0.6), "demonstrations": (0.95, 1.0)}
DOOR_OPEN, DOOR_CLOSED = -1.38, -0.178
DRAWER_OPEN, DRAWER_CLOSED = -0.15, -0.03


def door_open(columns: Columns) -> np.ndarray:
    """1 where the door's angle is at most -1.38 rad, else 0, float64 [N]."""
    return (columns[f"infos/{DOOR}"] <= DOOR_OPEN).astype(np.float64)


def door_closed(columns: Columns) -> np.ndarray:
    """1 where the door's angle is at least -0.178 rad, else 0, float64 [N]."""
    return (columns[f"infos/{DOOR}"] >= DOOR_CLOSED).astype(np.float64)


def drawer_open(columns: Columns) -> np.ndarray:
    """1 where the drawer's position is at most -0.15 m, else 0, float64 [N]."""
    return (columns[f"infos/{DRAWER}"] <= DRAWER_OPEN).astype(np.float64)


def drawer_closed(columns: Columns) -> np.ndarray:
    """1 where the drawer's position is at least -0.03 m, else 0, float64 [N]."""
    return (columns[f"infos/{DRAWER}"] >= DRAWER_CLOSED).astype(np.float64)


def never(columns: Columns) -> np.ndarray:
    """False for every transition: none is terminal, bool [N]."""
    return np.zeros(len(columns[f"infos/{DOOR}"]), bool)


def _task(name, reward):
    return Task(
        name=name,
        domain="manipulation",
        env_id=f"cds/DoorDrawer-{name}-v0",
        metric="success",
        horizon=500,
        infos=INFOS,
        axes=AXES,
        reward=reward,
        terminal=never,
    )


TASKS = {
    name: _task(name, reward)
    for name, reward in (
        ("door-open", door_open),
        ("door-close", door_closed),
        ("drawer-open", drawer_open),
        ("drawer-close", drawer_closed),
    )
}

PAPER_SIZES = {"wide": 152_000, "demonstrations": 2_000}  # transitions [recalled]
QUALITIES = ("wide", "demonstrations", "demonstrations", "wide")  # in the order of TASKS

_WHOLE = Suite(
    name="door-drawer",
    domain="manipulation",
    sources={
        task: Source(quality, PAPER_SIZES[quality])
        for task, quality in zip(TASKS, QUALITIES, strict=True)
    },
)
# A tenth of the demonstrations is the first 200 steps of one episode, which succeeds after about 90
# steps. A thirtieth would contain no success.
_TENTH = scarce(_WHOLE, kept="drawer-close")[0]
_SINGLE = single(_WHOLE, "drawer-close", name="door-drawer-single")
SUITES = {suite.name: suite for suite in (_WHOLE, _TENTH, _SINGLE)}
