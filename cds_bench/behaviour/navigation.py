"""Behaviour in mazes: the point mass or the ant follows breadth-first waypoints.

A proportional-derivative controller steers the point mass. The frozen policy that reaches points
(`envs.reach`) steers the ant. Data have clipped Gaussian action noise of 0.2 and starts all over
the maze. `directed` behaviour heads for the task's own goal. `undirected` behaviour heads for any
goal of the maze and draws another one as soon as it has reached one.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from cds_bench.behaviour.policy import policy_sha256
from cds_bench.behaviour.qualities import snapshots
from cds_bench.behaviour.rollout import Behaviour, Recipe, executed
from cds_bench.config import Config
from envs import navigation
from envs.navigation import CELL, PLACES, RADIUS, Cell, Place, Point
from envs.reach import features

NOISE = 0.2
PASSED = 1.0  # distance to a waypoint at which the next one is taken, metres
LOST = 1.5 * CELL  # distance to the waypoint at which a new path is searched, metres
GAIN, DAMPING = 0.5, 0.3  # of the point's controller, per metre and per m/s
REFERENCE = "directed"
ANYWHERE = {"start": "anywhere"}
Controller = Callable[[np.ndarray, np.ndarray], np.ndarray]  # state, waypoint -> action


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The recipe of `undirected`, `directed` or `expert`, which is directed without noise."""
    place = PLACES[task]
    control, about = steer_point, {"policy": "proportional-derivative controller"}
    if place.body == "ant":
        snapshot = snapshots(config, "ant-reach", "expert")[0]
        control = ant_controller(snapshot.policy)
        about = {
            "policy": "ant-reach",
            "step": snapshot.step,
            "sha256": policy_sha256(snapshot.policy),
        }
    goals = navigation.goals(place.maze) if quality == "undirected" else [place.goal]
    noise = 0.0 if quality == "expert" else NOISE
    begin = navigator(place, control, goals, noise)
    return [Recipe(Behaviour(begin, ANYWHERE), about | {"noise": noise, "goals": goals})]


def shortest_path(maze: str, start: Cell, end: Cell) -> list[Cell]:
    """The cells of a shortest path between two free cells, both included (breadth first)."""
    free = set(navigation.free_cells(maze))
    came_from: dict[Cell, Cell | None] = {end: None}
    waiting = deque([end])
    while waiting and start not in came_from:
        row, column = cell = waiting.popleft()
        for neighbour in (
            (row + 1, column),
            (row - 1, column),
            (row, column + 1),
            (row, column - 1),
        ):
            if neighbour in free and neighbour not in came_from:
                came_from[neighbour] = cell
                waiting.append(neighbour)
    path, cell = [], start
    while cell is not None:
        path.append(cell)
        cell = came_from[cell]
    return path


class Route:
    """The path from the agent's current position to a goal, waypoint by waypoint."""

    def __init__(self, maze: str, goal: Point):
        self.maze, self.goal = maze, np.array(goal)
        self.left: list[np.ndarray] = []

    def waypoint(self, position: np.ndarray) -> np.ndarray:
        """The point to head for; the last one is the goal itself."""
        if not self.left or np.hypot(*(self.left[0] - position)) > LOST:
            path = shortest_path(self.maze, self._cell(position), navigation.cell_at(*self.goal))
            self.left = [np.array(navigation.centre(cell)) for cell in path]
        while len(self.left) > 1 and np.hypot(*(self.left[0] - position)) < PASSED:
            self.left.pop(0)
        return self.left[0]

    def _cell(self, position: np.ndarray) -> Cell:
        """The free cell nearest to a position, which may lie slightly inside a wall."""
        middles = np.array([navigation.centre(c) for c in navigation.free_cells(self.maze)])
        nearest = np.square(middles - position).sum(1).argmin()
        return navigation.free_cells(self.maze)[nearest]


def steer_point(state: np.ndarray, waypoint: np.ndarray) -> np.ndarray:
    """The point's action: gain (waypoint - position) - damping velocity; state [4] -> [2]."""
    return GAIN * (waypoint - state[:2]) - DAMPING * state[2:]


def ant_controller(policy) -> Controller:
    """The ant's action: the reaching policy's mean; state [29] -> [8]."""
    return lambda state, waypoint: policy.act(features(state, waypoint))


def navigator(place: Place, control: Controller, goals: list[Point], noise: float) -> Callable:
    """`Behaviour.begin`: heads for one of `goals`, and for another one when it is reached."""

    def begin(rng: np.random.Generator):
        route = None

        def act(state: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            nonlocal route
            if route is None or np.hypot(*(route.goal - state[:2])) <= RADIUS:
                open_goals = [
                    goal for goal in goals if np.hypot(*(np.array(goal) - state[:2])) > RADIUS
                ]
                route = Route(place.maze, open_goals[rng.integers(len(open_goals))])
            action = control(state, route.waypoint(state[:2]))
            action = action + noise * rng.standard_normal(len(action))
            return executed(action)

        return act

    return begin
