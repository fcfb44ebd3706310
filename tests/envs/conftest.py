"""Worlds and behaviours of the mazes, and the worlds of the tabletop."""

import pytest

import envs
from cds_bench.behaviour.navigation import ANYWHERE, ant_controller, navigator, steer_point
from cds_bench.behaviour.rollout import Behaviour
from envs.navigation import PLACES
from tests.envs import tabletops
from tests.envs.mazes import TASKS


@pytest.fixture(scope="module")
def worlds():
    """Every maze task's environment without the time limit."""
    made = {task: envs.make(task).unwrapped for task in TASKS}
    yield made
    for env in made.values():
        env.close()


@pytest.fixture(scope="module")
def walk(random_policy):
    """`walk(task, goals)`: a behaviour for the task's body. The ant's policy has random weights."""

    def make(task, goals):
        control = steer_point
        if PLACES[task].body == "ant":
            control = ant_controller(random_policy(0, inputs=28, actions=8))
        return Behaviour(navigator(PLACES[task], control, goals, noise=0.2), ANYWHERE)

    return make


@pytest.fixture(scope="module")
def made():
    """Every task's environment, with its time limit."""
    found = {task: envs.make(task) for task in tabletops.TASKS}
    yield found
    for env in found.values():
        env.close()
