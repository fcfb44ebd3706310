"""Trajectories in the mazes, and where they may lead."""

import numpy as np

from envs import navigation
from envs.maze import TOP_SPEED
from envs.navigation import CELL, PLACES

TASKS = list(PLACES)
ONE_EACH = ["pointmaze-medium-16-20", "antmaze-large-12-24"]
EVERY_MAZE = ["pointmaze-medium-20-4", "pointmaze-large-4-16"]
HALF = CELL / 2
SECONDS = {"point": 0.1, "ant": 0.05}  # a step takes
# The farthest that a step may go, in metres. The point's speed is capped along each axis and then
# grows by 100 N on its mass for one step. The ant's fastest in 1e5 steps of hard-driven legs was
# 8 m/s; no foot moves faster than some 20 m/s against its torso.
MASS = 4 / 3 * np.pi * 0.1**3 * 1000
FARTHEST = {"point": np.sqrt(2) * (TOP_SPEED + 100 / MASS * 0.1) * 0.1, "ant": 10 * 0.05}


def neighbours(task):
    """The tasks of the same body in the same maze, this one first."""
    place = PLACES[task]
    alike = [t for t in TASKS if (PLACES[t].body, PLACES[t].maze) == (place.body, place.maze)]
    return sorted(alike, key=lambda name: name != task)


def roll(env, act, steps, seed=0, start="anywhere"):
    """States [steps + 1, n], rewards, terminations and actions, on through reached goals."""
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
    """Acts out a sequence of actions."""
    left = iter(actions)
    return lambda state: next(left)


def clearance(maze, path):
    """Metres from each position [N, 2] to the nearest wall; 0 inside one."""
    walls = np.array([navigation.centre(cell) for cell in navigation.cells(maze, "#")])
    gaps = np.maximum(np.abs(path[:, None] - walls) - HALF, 0.0)
    return np.hypot(gaps[..., 0], gaps[..., 1]).min(1)


def check_path(task, path):
    """The body's centre stays in free cells, never crosses a wall, and no step is too far.

    Contacts are soft: a surface sinks a little, but the centre behind it (0.1 metres for the point,
    0.25 for the ant's torso) stays outside, on the straight lines between positions too.
    """
    place = PLACES[task]
    assert {navigation.cell_at(*xy) for xy in path} <= {*navigation.free_cells(place.maze)}
    steps = np.diff(path, axis=0)
    assert np.hypot(*steps.T).max() <= FARTHEST[place.body]
    share = np.linspace(0, 1, 5)[:, None, None]
    assert clearance(place.maze, (path[:-1] + share * steps).reshape(-1, 2)).min() > 0.0
