"""Scripted behaviour at the table (reach, grasp, lift, carry and place), and noisy data from it.

The scripts see the positions of things; policies that see only pictures do not. The scripts have no
memory. The hand goes down to an object in a funnel: the farther it is to the side, the higher it
stays. When it has arrived, it closes and rises with the object. To place the object, it goes down
to the container in the same way and opens. The scripts recover from noise and from objects that
slip. Actions change little from one state to a near one, which makes them easier to learn.

In an episode of noisy data, the script makes one attempt with its own noise level. In a lift task
it tries to lift the task's own object or any other; in a place task it tries to place any object.
Some attempts aim beside the object, and some drop what they lift. An attempt that has failed is
given up, which ends the episode.
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
STEEP = 2.5  # how far the hand stays above a place for each metre that it is to the side
SUNK = 0.04  # metres; if the hand is farther below the funnel, it rises before it moves across
ALIGNED = 0.018  # metres to the side of a place within which the hand goes all the way down
OVER = 0.025  # the same over a container
ARRIVED = 0.015  # metres above a place at which the hand has arrived
DEEP = {"bottle": 0.05, "milk": 0.032}  # metres, the hand's height at the grasp
LOW = 0.018  # metres, the same for all other objects
HELD = np.array([0.02, 0.035, 0.03])  # metres, largest offset (x, y, z) of a held object
CLOSING = 0.002  # metres; a finger that has moved farther is closing
ABOVE = 0.03  # metres over the grasp's height at which the hand releases an object

State = Mapping[str, np.ndarray]
Script = Callable[[State], np.ndarray]  # from the state to the action without noise, [4]

NOISES = (0.05, 0.1, 0.2)  # standard deviations of an attempt's actions
MISLED, DISPLACEMENT = 0.15, 0.03  # how often an attempt aims wide, and its deviation per axis (m)
BUTTERFINGERS = 0.25  # how often an attempt drops whatever it has lifted ...
RAISED = 0.02  # ... by so many metres
CLOSINGS = 2  # steps of closing after which an attempt that lifts nothing has failed
RELEASING = 3  # steps for which the hand stays open once it has begun to release an object
FLIPPED = 0.05  # how often the gripper does the opposite in a step, so that data show how to go on
OWN = 0.85  # how often an attempt at a lift task certainly aims at the task's own object


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


def grasp(state: State, thing: str) -> np.ndarray:
    """Where the hand grasps an object, x, y, z."""
    x, y, height = state[thing]
    return np.array([x, y, max(DEEP.get(thing, LOW) + height, LOW)])


def holds(state: State, thing: str) -> bool:
    """Whether an object is between closing fingers."""
    near = (np.abs(grasp(state, thing) - state["hand"]) <= HELD).all()
    return bool(near and state["fingers"].max() > CLOSING)


def aside(hand: np.ndarray, place: np.ndarray) -> float:
    """Horizontal distance from the hand to a place, in metres."""
    return float(np.hypot(*(place - hand)[:2]))


def descend(hand: np.ndarray, place: np.ndarray, aligned: float) -> np.ndarray:
    """The next point on the way down to a place: a funnel above it, which ends at TRAVEL."""
    height = min(TRAVEL, place[2] + STEEP * max(0.0, aside(hand, place) - aligned))
    return over(hand if hand[2] < height - SUNK else place, height)


def arrived(hand: np.ndarray, place: np.ndarray, aligned: float) -> bool:
    """Whether the hand is at a place."""
    return aside(hand, place) <= aligned and hand[2] <= place[2] + ARRIVED


def fetch(state: State, thing: str) -> np.ndarray:
    """Reaches for an object and grasps it: the action while the object is not held."""
    hand, place = state["hand"], grasp(state, thing)
    gripper = 1.0 if arrived(hand, place, ALIGNED) else -1.0
    return towards(hand, descend(hand, place, ALIGNED), gripper)


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
        if not holds(state, thing):
            return fetch(state, thing)
        hand = state["hand"]
        goal = over(state[container], DEEP.get(thing, LOW) + ABOVE)
        gripper = -1.0 if arrived(hand, goal, OVER) else 1.0
        return towards(hand, descend(hand, goal, OVER), gripper)

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


def raised(state: State) -> bool:
    """Whether any object is above the table."""
    return any(state[name][2] > RAISED for name in OBJECTS if name in state)


def gripped(state: State) -> bool:
    """Whether any object is between closing fingers."""
    return any(holds(state, name) for name in OBJECTS if name in state)


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
    """One attempt an episode, with its own noise; it may aim wide or drop what it has lifted.

    It gives up when it would have to reach again after it has tried to grasp. An object that it
    releases over the container gets `RELEASING` steps to fall and to come to rest.
    """

    def begin(rng):
        script, noise, drops, closings, releasing = None, 0.0, False, 0, 0

        def act(state, rng):
            nonlocal script, noise, drops, closings, releasing
            if script is None:
                script = attempt(task, state, rng, OWN)
                noise = NOISES[rng.integers(len(NOISES))]
                if rng.random() < MISLED:
                    script = misled(script, DISPLACEMENT * rng.standard_normal(2))
                drops = rng.random() < BUTTERFINGERS
            stay_open, lost = towards(state["hand"], state["hand"], -1.0), drops and raised(state)
            wanted = stay_open if lost else script(state)
            if releasing:
                releasing, wanted = releasing - 1, stay_open
            elif wanted[-1] > 0:
                closings += 1
            elif gripped(state) and not lost:
                releasing = RELEASING - 1
            elif closings >= CLOSINGS and not raised(state):
                return None
            if rng.random() < FLIPPED:
                wanted[-1] *= -1.0
            return executed(wanted + noise * rng.standard_normal(ACTIONS))

        return act

    return Behaviour(begin, privileged=True)
