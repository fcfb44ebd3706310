"""Trajectories in the mazes, and checks of where they lead."""

import numpy as np

from envs import navigation
from envs.maze import TOP_SPEED
from envs.navigation import CELL, PLACES

TASKS = list(PLACES)
ONE_EACH = ["pointmaze-medium-16-20", "antmaze-large-12-24"]
EVERY_MAZE = ["pointmaze-medium-20-4", "pointmaze-large-4-16"]
HALF = CELL / 2
SECONDS = {"point": 0.1, "ant": 0.05}  # duration of a step
# The largest distance of one step, in metres. The point's speed is capped along each axis; then 100
# N accelerate its mass for one step. The ant's highest speed in 1e5 steps with its legs at full
# force was 8 m/s. No foot moves faster than about 20 m/s relative to its torso.
MASS = 4 / 3 * np.pi * 0.1**3 * 1000
FARTHEST = {"point": np.sqrt(2) * (TOP_SPEED + 100 / MASS * 0.1) * 0.1, "ant": 10 * 0.05}


def neighbours(task):
    """The tasks of the same body in the same maze, this one first."""
    place = PLACES[task]
    alike = [t for t in TASKS if (PLACES[t].body, PLACES[t].maze) == (place.body, place.maze)]
    return sorted(alike, key=lambda name: name != task)


def roll(env, act, steps, seed=0, start="anywhere"):
    """States [steps + 1, n], rewards, terminations and actions; goes on after a reached goal."""
    state, _ = env.reset(seed=seed, options={"start": start})
    states, rewards, ends, actions = [state], [], [], []
    for _ in range(steps):
        actions.append(act(states[-1]))
        state, reward, terminated, _, _ = env.step(actions[-1])
        states.append(state)
        rewards.append(reward)
        ends.append(terminated)
    return np.array(states), np.array(rewards), np.array(ends), np.array(actions)


def again(actions):
    """A behaviour that replays a sequence of actions."""
    left = iter(actions)
    return lambda state: next(left)


def clearance(maze, path):
    """Metres from each position [N, 2] to the nearest wall; 0 inside one."""
    walls = np.array([navigation.centre(cell) for cell in navigation.cells(maze, "#")])
    gaps = np.maximum(np.abs(path[:, None] - walls) - HALF, 0.0)
    return np.hypot(gaps[..., 0], gaps[..., 1]).min(1)


def check_path(task, path):
    """The body's centre stays in free cells, never crosses a wall, and no step is too long.

    Contacts are soft, so a surface sinks into a wall a little. The centre lies behind the surface
    (0.1 metres for the point, 0.25 for the ant's torso) and stays outside the wall. The straight
    lines between positions do, too.
    """
    place = PLACES[task]
    assert {navigation.cell_at(*xy) for xy in path} <= {*navigation.free_cells(place.maze)}
    steps = np.diff(path, axis=0)
    assert np.hypot(*steps.T).max() <= FARTHEST[place.body]
    share = np.linspace(0, 1, 5)[:, None, None]
    assert clearance(place.maze, (path[:-1] + share * steps).reshape(-1, 2)).min() > 0.0
