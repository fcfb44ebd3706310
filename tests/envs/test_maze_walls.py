"""No body passes through a wall of a maze, neither on trajectories nor when pushed hard."""

import itertools

import numpy as np
import pytest

from cds_bench.behaviour.rollout import uniform
from envs import navigation
from envs.navigation import MAZES, PLACES
from tests.envs.mazes import (
    EVERY_MAZE,
    check_path,
    roll,
)

# Walls and physics


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_the_point_stays_out_of_the_walls(worlds, walk, task):
    """Full episodes with the real controller, from goal to goal."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        act = walk(task, navigation.goals(PLACES[task].maze)).begin(rng)
        states, _, _, _ = roll(worlds[task], lambda s, act=act, rng=rng: act(s, rng), 1000, seed)
        check_path(task, states[:, :2])
        assert np.hypot(*(states[-1, :2] - states[0, :2])) > 0


@pytest.mark.parametrize("task", ["antmaze-medium-16-20", "antmaze-large-12-24"])
@pytest.mark.parametrize("how", ["uniform", "reaching"])
def test_the_ant_stays_out_of_the_walls(worlds, walk, task, how):
    behaviour = uniform(8) if how == "uniform" else walk(task, navigation.goals(PLACES[task].maze))
    for seed in range(2):
        rng = np.random.default_rng(seed)
        act = behaviour.begin(rng)
        states, _, _, _ = roll(worlds[task], lambda s, act=act, rng=rng: act(s, rng), 400, seed)
        check_path(task, states[:, :2])
        assert np.isfinite(states).all()


DIRECTIONS = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]


@pytest.mark.parametrize("task", EVERY_MAZE)
def test_the_point_does_not_get_through_any_wall(worlds, task):
    """It runs from the centre of every cell into walls and corners at full force and speed."""
    env, maze = worlds[task], PLACES[task].maze
    for cell, direction in itertools.product(navigation.free_cells(maze), DIRECTIONS):
        env.reset(seed=0)
        env.data.qpos[:] = navigation.centre(cell)
        path = [env.data.qpos.copy()]
        for _ in range(25):
            path.append(env.step(np.array(direction, np.float32))[0][:2])
        check_path(task, np.array(path))


def test_the_ant_does_not_get_through_any_wall(worlds):
    """A force of twice its weight pushes it into each cell's walls, with its legs at full force."""
    env, maze, rng = worlds["antmaze-medium-16-20"], "medium", np.random.default_rng(0)
    torso = env.model.body("torso").id
    weight = 9.81 * env.model.body_mass.sum()
    for (row, column), (x, y) in itertools.product(navigation.free_cells(maze), DIRECTIONS[:4]):
        if MAZES[maze][row + y][column + x] == "#":
            env.reset(seed=0)
            env.data.qpos[:2] = navigation.centre((row, column))
            env.data.xfrc_applied[torso, :2] = 2 * weight * x, 2 * weight * y
            path = [env.data.qpos[:2].copy()]
            for _ in range(25):
                path.append(env.step(rng.choice([-1.0, 1.0], 8))[0][:2])
            check_path("antmaze-medium-16-20", np.array(path))
    env.reset(seed=0)
    assert not env.data.xfrc_applied.any()


@pytest.mark.parametrize("rise", [5.0, 7.5, 10.0])
def test_the_ant_does_not_get_over_a_wall(worlds, rise):
    """It is thrown as high as its legs can throw it, which is 3 metres, and higher."""
    env = worlds["antmaze-medium-16-20"]
    env.reset(seed=0)
    env.data.qvel[:] = 0.0
    env.data.qvel[[0, 2]] = -5.0, rise
    states = [env.step(np.zeros(8))[0] for _ in range(40)]
    assert max(state[2] for state in states) > 1.0 + rise / 5
    check_path("antmaze-medium-16-20", np.array(states)[:, :2])
