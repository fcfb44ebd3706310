"""Navigation: goals in D4RL's medium and large mazes, for an ant and for a point mass.

Cells are squares of 4 metres; the centre of the cell in row r and column c lies at
(4 (c - 1), 4 (r - 1)), so that episodes start near the origin. The goals are those of D4RL's
generation mazes. With (x', y') the position after the step:

    reward = 1 if |(x', y') - goal| <= 0.5 else 0, and the episode ends when it is 1.

The task alone decides the maze and the goal; neither depends on the episode.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from envs.specs import Columns, Floor, Source, Suite, Task, scarce, single

CELL = 4.0  # metres
RADIUS = 0.5  # of a goal, metres
HORIZON = 1000
INFOS = ("x", "y")
AXES = ("x (m)", "y (m)")
ENVIRONMENTS = "envs.maze"
BANDS = {
    "undirected": (0.03, 1.0),  # an ant reaches one or two of a large maze's seven goals
    "directed": (0.3, 1.0),
}
POLICIES = {
    "ant-reach": {
        "learner": "ppo", "steps": 6_000_000, "snapshots": 2, "hidden": 128, "log_std": -1.0,
    },
}  # fmt: skip
Cell = tuple[int, int]  # row, column
Point = tuple[float, float]  # x, y in metres

# '#' is a wall, 'S' the start, 'G' a goal.
MAZES = {
    "medium": (
        "########",
        "#S ##  #",
        "#  #  G#",
        "##   ###",
        "#  #   #",
        "#G#  # #",
        "#   #G #",
        "########",
    ),
    "large": (
        "############",
        "#S   #G    #",
        "# ## # # # #",
        "#    G #  G#",
        "# #### ### #",
        "# G# #     #",
        "## # # # ###",
        "#  #G G# G #",
        "############",
    ),
}


@dataclass(frozen=True)
class Place:
    """The maze in which a task's agent walks, and the point that it should reach."""

    body: str  # "ant" or "point"
    maze: str
    goal: Point


def cells(maze: str, marks: str) -> Iterator[Cell]:
    """The cells of a maze that have one of the marks, row by row."""
    for row, line in enumerate(MAZES[maze]):
        yield from ((row, column) for column, mark in enumerate(line) if mark in marks)


def free_cells(maze: str) -> list[Cell]:
    """Every cell that is not a wall."""
    return list(cells(maze, " SG"))


def centre(cell: Cell) -> Point:
    """A cell's centre in metres."""
    row, column = cell
    return CELL * (column - 1), CELL * (row - 1)


def cell_at(x: float, y: float) -> Cell:
    """The cell that a point lies in."""
    return round(y / CELL) + 1, round(x / CELL) + 1


def goals(maze: str) -> list[Point]:
    """A maze's goals, sorted by x, then y."""
    return sorted(centre(cell) for cell in cells(maze, "G"))


def distance(columns: Columns, goal: Point) -> np.ndarray:
    """Metres from the position after the step to a goal, [N]."""
    return np.hypot(columns["infos/x"] - goal[0], columns["infos/y"] - goal[1])


def reached(columns: Columns, goal: Point) -> np.ndarray:
    """Whether the position after the step lies within 0.5 metres of a goal, bool [N]."""
    return distance(columns, goal) <= RADIUS


def reward(columns: Columns, goal: Point) -> np.ndarray:
    """1 within 0.5 metres of a goal, else 0; float64 [N]."""
    return reached(columns, goal).astype(np.float64)


def task_name(body: str, maze: str, goal: Point) -> str:
    """For example antmaze-medium-20-4. Raises ValueError if the maze does not have this goal."""
    if goal not in goals(maze):
        has = ", ".join(f"({x:g}, {y:g})" for x, y in goals(maze))
        raise ValueError(
            f"maze '{maze}' has no goal at ({goal[0]:g}, {goal[1]:g}); its goals are {has}"
        )
    return f"{body}maze-{maze}-{goal[0]:g}-{goal[1]:g}"


def floor(place: Place) -> Floor:
    """A maze seen from above, and the goal of a task in it."""
    walls = tuple(map(centre, cells(place.maze, "#")))
    return Floor(walls, CELL, place.goal, tuple(goals(place.maze)))


PLACES = {
    task_name(body, maze, goal): Place(body, maze, goal)
    for body in ("point", "ant")
    for maze in MAZES
    for goal in goals(maze)
}

TASKS = {
    name: Task(
        name=name,
        domain="navigation",
        env_id=f"cds/{name}-v0",
        metric="success",
        horizon=HORIZON,
        infos=INFOS,
        axes=AXES,
        reward=partial(reward, goal=place.goal),
        terminal=partial(reached, goal=place.goal),
        policy="ant-reach" if place.body == "ant" else None,
        floor=floor(place),
    )
    for name, place in PLACES.items()
}

# D4RL's antmaze datasets have a million transitions. Here the tasks divide them [recalled].
PAPER_SIZE = 1_000_000


def _suite(body: str, maze: str, split: str) -> Suite:
    tasks = [task_name(body, maze, goal) for goal in goals(maze)]
    shares = [PAPER_SIZE // len(tasks) + (k < PAPER_SIZE % len(tasks)) for k in range(len(tasks))]
    sources = {task: Source(split, size) for task, size in zip(tasks, shares, strict=True)}
    return Suite(name=f"{body}maze-{maze}-{split}", domain="navigation", sources=sources)


_WHOLE = [
    _suite(body, maze, split)
    for body in ("point", "ant")
    for maze in MAZES
    for split in ("undirected", "directed")
]
# Undirected data are the same mixture for every task, so all of the other tasks' data are useful.
_SCARCE = [
    variant
    for suite in _WHOLE
    if suite.name.endswith("undirected")
    for variant in scarce(suite, kept=suite.tasks[-1])
]
_SINGLE = single(
    _suite("point", "medium", "directed"),
    task_name("point", "medium", (20, 4)),
    name="pointmaze-medium-single",
)
SUITES = {suite.name: suite for suite in (*_WHOLE, *_SCARCE, _SINGLE)}
