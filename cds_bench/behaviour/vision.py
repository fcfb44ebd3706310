"""Scripted behaviour at the table, reach, grasp, lift, carry and place, and the noisy data of it.

The scripts see the places of things, which no picture-based policy does. They remember nothing:
from wherever the hand is, it rises with open fingers, moves over the object, goes down, closes, and
rises with what it holds; to place it, it moves over the container, goes down and opens. So they
recover from noise and from what slips.

Noisy data are a sequence of attempts, each broken off after a random number of steps. An attempt
at a lift task is at its own object or at any other; one at a place task takes any object. It has a
noise of its own, and some take the object to be where it is not.
"""

from collections.abc import Callable, Mapping

import numpy as np

from cds_bench.behaviour.rollout import Behaviour, Recipe, executed
from cds_bench.config import Config
from envs.vision import ABOUT, CONTAINERS, OBJECTS

REFERENCE = "noisy"

ACTIONS = 4
GAIN = 20.0  # action per metre of the hand's error: a whole step's way at 5 cm
TRAVEL = 0.17  # metres, the hand's height over the table where it clears everything
DEEP = {"bottle": 0.05, "milk": 0.032}  # the hand's height at the grasp; of the others:
LOW = 0.018
SUNK = 0.04  # metres below TRAVEL at which the hand must rise before it moves across
ALIGNED = 0.012  # metres beside the object's middle within which the hand goes down
HELD = np.array([0.02, 0.035, 0.03])  # from the hand's place at the grasp, of an object in it
CLOSING = 0.002  # metres that a finger has moved when it closes
ABOVE = 0.03  # metres over the grasp's height at which an object is released over a container
OVER = 0.015  # metres beside a container's middle within which an object is lowered into it

State = Mapping[str, np.ndarray]
Script = Callable[[State], np.ndarray]  # the state -> the action without noise, [4]

NOISES = (0.1, 0.2, 0.3)  # standard deviations of an attempt's actions
MISLED, DISPLACEMENT = 0.2, 0.025  # how often, and by how many metres, an attempt aims beside
OWN = 0.55  # how often an attempt at a lift task is at its own object
LASTS = {"lift": (10, 25), "place": (20, 40)}  # steps of one attempt


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """Of the qualities `noisy`, and `expert`: the script without noise."""
    noises = {"noisy": list(NOISES), "expert": 0.0}
    behaviour = {"noisy": noisy, "expert": expert}[quality](task)
    return [Recipe(behaviour, {"policy": "script", "noise": noises[quality]})]


def towards(hand: np.ndarray, place: np.ndarray, gripper: float) -> np.ndarray:
    """The action that moves the hand to a place, as far as one step goes; 1 closes, -1 opens."""
    return np.append(GAIN * (place - hand), gripper)


def over(place: np.ndarray, height: float) -> np.ndarray:
    """A point at some height above the table, x, y, z."""
    return np.array([place[0], place[1], height])


def off(state: State, thing: str) -> float:
    """Metres from the hand to a thing, seen from above."""
    return float(np.hypot(*(state[thing] - state["hand"])[:2]))


def grasp(state: State, thing: str) -> np.ndarray:
    """Where the hand grasps an object, x, y, z."""
    x, y, height = state[thing]
    return np.array([x, y, max(DEEP.get(thing, LOW) + height, LOW)])


def holds(state: State, thing: str) -> bool:
    """Whether an object is between closing fingers."""
    near = (np.abs(grasp(state, thing) - state["hand"]) <= HELD).all()
    return bool(near and state["fingers"].max() > CLOSING)


def raised(hand: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The next point on the way to over a place: up first, then across at travelling height."""
    return over(hand if hand[2] < TRAVEL - SUNK else place, TRAVEL)


def fetch(state: State, thing: str) -> np.ndarray:
    """Reach and grasp: the action as long as an object is not held."""
    hand, place = state["hand"], grasp(state, thing)
    if off(state, thing) > ALIGNED:
        return towards(hand, raised(hand, place), -1.0)
    if hand[2] > place[2] + 0.01:
        return towards(hand, place, -1.0)
    return towards(hand, hand, 1.0)


def lifting(thing: str) -> Script:
    """Reach, grasp and lift an object."""

    def script(state):
        if holds(state, thing):
            return towards(state["hand"], over(state["hand"], TRAVEL), 1.0)
        return fetch(state, thing)

    return script


def placing(thing: str, container: str) -> Script:
    """Reach, grasp and lift an object, carry it to a container and place it there."""

    def script(state):
        hand, goal = state["hand"], state[container]
        if not holds(state, thing):
            return fetch(state, thing)
        if off(state, container) > OVER:
            return towards(hand, raised(hand, goal), 1.0)
        release = DEEP.get(thing, LOW) + ABOVE
        if hand[2] > release + 0.01:
            return towards(hand, over(goal, release), 1.0)
        return towards(hand, hand, -1.0)

    return script


def attempt(task: str, state: State, rng: np.random.Generator, own: float) -> Script:
    """One attempt; own: the probability that an attempt at a lift task is at its own object."""
    about = ABOUT[task]
    things = [name for name in OBJECTS if name in state]
    thing = things[rng.integers(len(things))]
    if about in CONTAINERS:
        return placing(thing, about)
    return lifting(about if rng.random() < own else thing)


def misled(script: Script, error: np.ndarray) -> Script:
    """A script that takes every object to be elsewhere by `error`, x and y in metres."""
    shift = np.append(error, 0.0)

    def wrong(state):
        return script({k: v + shift if k in OBJECTS else v for k, v in state.items()})

    return wrong


def expert(task: str) -> Behaviour:
    """The task's script without noise; a place task takes one object, drawn from those shown."""

    def begin(rng):
        script = None

        def act(state, rng):
            nonlocal script
            script = script or attempt(task, state, rng, own=1.0)
            return executed(script(state))

        return act

    return Behaviour(begin, privileged=True)


def noisy(task: str) -> Behaviour:
    """One attempt after another, with their noises and errors."""
    lasts = LASTS[task.partition("-")[0]]

    def begin(rng):
        script, noise, left = None, 0.0, 0

        def act(state, rng):
            nonlocal script, noise, left
            if left == 0:
                script, left = attempt(task, state, rng, OWN), int(rng.integers(*lasts))
                noise = NOISES[rng.integers(len(NOISES))]
                if rng.random() < MISLED:
                    script = misled(script, DISPLACEMENT * rng.standard_normal(2))
            left -= 1
            return executed(script(state) + noise * rng.standard_normal(ACTIONS))

        return act

    return Behaviour(begin, privileged=True)
