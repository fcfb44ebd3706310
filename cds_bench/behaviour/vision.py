"""Scripted behaviour at the table (reach, grasp, lift, carry and place), and noisy data from it.

The scripts see the positions of things; policies that see only pictures do not. The scripts have no
memory. From any position, the hand rises with open fingers, moves over the object, goes down,
closes, and rises with the object. To place the object, it moves over the container, goes down and
opens. The scripts therefore recover from noise and from objects that slip.

Noisy data are a sequence of attempts. Each attempt ends after a random number of steps. In a lift
task it tries to lift the task's own object or any other; in a place task it tries to place any
object. Each attempt has its own noise level, and some attempts aim beside the object.
"""

from collections.abc import Callable, Mapping

import numpy as np

from cds_bench.behaviour.rollout import Behaviour, Recipe, executed
from cds_bench.config import Config
from envs.vision import ABOUT, CONTAINERS, OBJECTS

REFERENCE = "noisy"

ACTIONS = 4
GAIN = 20.0  # action per metre of the hand's error: a full step (action 1) at 5 cm
TRAVEL = 0.17  # metres; at this height over the table the hand clears everything
DEEP = {"bottle": 0.05, "milk": 0.032}  # metres, the hand's height at the grasp
LOW = 0.018  # metres, the same for all other objects
SUNK = 0.04  # metres; if the hand is farther below TRAVEL, it rises before it moves across
ALIGNED = 0.012  # metres; the hand goes down within this distance of the object's middle
HELD = np.array([0.02, 0.035, 0.03])  # metres, largest offset (x, y, z) of a held object
CLOSING = 0.002  # metres; a finger that has moved farther is closing
ABOVE = 0.03  # metres over the grasp's height at which the hand releases an object
OVER = 0.015  # metres; the hand lowers an object within this distance of the container's middle

State = Mapping[str, np.ndarray]
Script = Callable[[State], np.ndarray]  # from the state to the action without noise, [4]

NOISES = (0.1, 0.2, 0.3)  # standard deviations of an attempt's actions
MISLED, DISPLACEMENT = 0.2, 0.025  # how often an attempt aims wide, and its deviation per axis (m)
OWN = 0.55  # how often an attempt at a lift task certainly aims at the task's own object
LASTS = {"lift": (10, 25), "place": (20, 40)}  # steps of one attempt


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The recipe of quality `noisy`, or of quality `expert`, the script without noise."""
    noises = {"noisy": list(NOISES), "expert": 0.0}
    behaviour = {"noisy": noisy, "expert": expert}[quality](task)
    return [Recipe(behaviour, {"policy": "script", "noise": noises[quality]})]


def towards(hand: np.ndarray, place: np.ndarray, gripper: float) -> np.ndarray:
    """The action that moves the hand towards a place in one step; gripper: 1 closes, -1 opens."""
    return np.append(GAIN * (place - hand), gripper)


def over(place: np.ndarray, height: float) -> np.ndarray:
    """The point (x, y, z) at a height over a place on the table."""
    return np.array([place[0], place[1], height])


def off(state: State, thing: str) -> float:
    """Horizontal distance from the hand to a thing, in metres."""
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
    """The next point on the way to a point over a place: first up, then across at TRAVEL."""
    return over(hand if hand[2] < TRAVEL - SUNK else place, TRAVEL)


def fetch(state: State, thing: str) -> np.ndarray:
    """Reaches for an object and grasps it: the action while the object is not held."""
    hand, place = state["hand"], grasp(state, thing)
    if off(state, thing) > ALIGNED:
        return towards(hand, raised(hand, place), -1.0)
    if hand[2] > place[2] + 0.01:
        return towards(hand, place, -1.0)
    return towards(hand, hand, 1.0)


def lifting(thing: str) -> Script:
    """Reaches for an object, grasps it and lifts it."""

    def script(state):
        if holds(state, thing):
            return towards(state["hand"], over(state["hand"], TRAVEL), 1.0)
        return fetch(state, thing)

    return script


def placing(thing: str, container: str) -> Script:
    """Lifts an object as in `lifting`, carries it to a container and places it there."""

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
    """One attempt.

    own: the probability that an attempt at a lift task aims at the task's own object for certain.
    Otherwise the object is drawn from all those on the table.
    """
    about = ABOUT[task]
    things = [name for name in OBJECTS if name in state]
    thing = things[rng.integers(len(things))]
    if about in CONTAINERS:
        return placing(thing, about)
    return lifting(about if rng.random() < own else thing)


def misled(script: Script, error: np.ndarray) -> Script:
    """A script that sees every object displaced by `error`, x and y in metres."""
    shift = np.append(error, 0.0)

    def wrong(state):
        return script({k: v + shift if k in OBJECTS else v for k, v in state.items()})

    return wrong


def expert(task: str) -> Behaviour:
    """The task's script without noise; in a place task it places an object drawn at random."""

    def begin(rng):
        script = None

        def act(state, rng):
            nonlocal script
            script = script or attempt(task, state, rng, own=1.0)
            return executed(script(state))

        return act

    return Behaviour(begin, privileged=True)


def noisy(task: str) -> Behaviour:
    """One attempt after another, each with its own noise level and perhaps an error of aim."""
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
