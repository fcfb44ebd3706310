"""Scripted behaviour at the door and the drawer, and the wide behaviour made from the scripts.

A skill defines where the hand should be at its handle, in the handle's own frame (`Skill.place`).
From any position, the script lifts the hand to travelling height, moves it over that place, and
lowers it. It then pushes ahead of the handle until the joint is far enough and rests, and lifts the
hand again. The script has no memory, so it recovers from noise and can take over from any other
movement.

Demonstrations are the script with Gaussian action noise of 0.2. The wide behaviour does one
movement after another and breaks each off after a random number of steps. It wanders, or it
attempts any of the scene's tasks with noise. In half of the attempts it aims beside the handle. A
quarter of its episodes begin with the episode's own task, carried through.
"""

from dataclasses import dataclass

import numpy as np

from cds_bench.behaviour.rollout import Act, Behaviour, Recipe, executed
from cds_bench.config import Config

REFERENCE = "wide"

ACTIONS = 4
GAIN = 20.0  # action per metre of the hand's error
TRAVEL = 0.36  # metres, the height of the hand at which its fingers clear everything
LOWERED = 0.04  # metres below TRAVEL at which the hand must rise before it moves on
ALIGNED = 0.02  # horizontal distance to the place within which the hand goes down, metres
AT_REST = 3e-4  # radians or metres per step
HANDLE_FROM_HINGE = np.array([0.3757, -0.1071])  # for the closed door, metres

DEMONSTRATION_NOISE = 0.2  # standard deviation of the actions
THROUGH, WANDERS, MISLED = 0.25, 0.5, 0.5  # probabilities of the wide behaviour's choices
LASTS, LONGEST = (20, 180), 400  # steps of a movement; of one that is carried through
NOISES = (0.1, 0.3, 0.6, 1.0)  # standard deviations of its scripts' actions
DISPLACEMENT = 0.05  # metres, standard deviation by which a misled script misses the handle
PERSISTENCE, WANDERING = 0.95, 0.7  # of wandering actions

# Indices of the joints in the observation; each follows its handle's x, y, z. PREVIOUS is the
# offset to the values of the previous step.
DOOR, DRAWER, PREVIOUS = 7, 11, 12


@dataclass(frozen=True)
class Skill:
    """How to move one joint to one end. Units are radians for the door, metres for the drawer."""

    joint: int  # DOOR or DRAWER
    place: tuple[float, float, float]  # of the hand, from the door's hinge or the drawer's handle
    reach: tuple[float, float, float]  # half sides of the box about `place` in which it pushes
    lead: float  # the largest distance ahead of the handle to which it pushes
    end: float  # the joint position to which it pushes, further than `enough`
    enough: float  # the joint position from which on it lets go, once the joint rests
    effort: float  # of the gripper; 1 closes it

    def frame(self, observation: np.ndarray) -> tuple[np.ndarray, float]:
        """The origin (x, y, z) and the angle about z of the frame in which `place` is fixed."""
        handle, position = observation[self.joint - 3 : self.joint], observation[self.joint]
        if self.joint == DRAWER:
            return handle, 0.0
        return handle - np.array([*turned(HANDLE_FROM_HINGE, position), 0.0]), position

    def at(self, origin: np.ndarray, angle: float) -> np.ndarray:
        """`place` in the world's frame."""
        return origin + np.array([*turned(self.place[:2], angle), self.place[2]])

    def done(self, observation: np.ndarray) -> bool:
        """Whether the joint is past `enough` and rests, so that it stays when it is let go."""
        now, before = observation[self.joint], observation[self.joint + PREVIOUS]
        beyond = now <= self.enough if self.end < self.enough else now >= self.enough
        return bool(beyond and abs(now - before) < AT_REST)

    def over(self, observation: np.ndarray) -> bool:
        """Whether the skill is done and the hand has left."""
        return self.done(observation) and bool(observation[2] > TRAVEL - LOWERED)

    def pushed(self, observation: np.ndarray) -> np.ndarray:
        """Where the hand goes from the handle: `place`, moved ahead of the joint."""
        ahead = np.clip(self.end - observation[self.joint], -self.lead, self.lead)
        origin, angle = self.frame(observation)
        if self.joint == DRAWER:
            return self.at(origin, angle) + np.array([0.0, ahead, 0.0])
        return self.at(origin, angle + ahead)


SKILLS = {
    "door-open": Skill(DOOR, (0.415, -0.055, 0.02), (0.035, 0.05, 0.04), 0.3, -1.65, -1.45, 1.0),
    "door-close": Skill(DOOR, (0.4, -0.19, 0.02), (0.05, 0.07, 0.04), 0.3, 0.05, -0.1, 1.0),
    # The open fingers straddle the handle.
    "drawer-open": Skill(
        DRAWER, (0.0, -0.027, 0.02), (0.03, 0.06, 0.03), 0.07, -0.187, -0.151, -1.0
    ),
    "drawer-close": Skill(DRAWER, (0.0, -0.08, 0.01), (0.04, 0.05, 0.04), 0.08, 0.03, -0.008, 1.0),
}


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The recipe of `wide`, `demonstrations` or `expert`, which is the script without noise."""
    noises = {"wide": list(NOISES), "demonstrations": DEMONSTRATION_NOISE, "expert": 0.0}
    behaviour = {"wide": wide, "demonstrations": demonstrations, "expert": expert}[quality](task)
    return [Recipe(behaviour, {"policy": "script", "noise": noises[quality]})]


def turned(point, angle: float) -> np.ndarray:
    """A point (x, y) turned about the origin, anticlockwise as seen from above."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1]])


def target(skill: Skill, observation: np.ndarray) -> np.ndarray:
    """Where the hand should go next, x, y, z in metres."""
    hand = observation[:3]
    up = np.array([hand[0], hand[1], TRAVEL + 0.02])
    if skill.done(observation):
        return up
    origin, angle = skill.frame(observation)
    place = skill.at(origin, angle)
    off = np.array([*turned((hand - place)[:2], -angle), hand[2] - place[2]])
    if (np.abs(off) <= skill.reach).all():
        return skill.pushed(observation)
    if np.hypot(off[0], off[1]) <= ALIGNED:
        return place
    if hand[2] < TRAVEL - LOWERED:
        return up
    return np.array([place[0], place[1], TRAVEL])


def scripted(task: str, noise: float, displaced: np.ndarray | float = 0.0) -> Act:
    """A task's script: gain (target - hand) and the gripper's effort, plus noise e, clipped.

    It assumes that the handle is `displaced` by this much, x, y, z in metres.
    """
    skill = SKILLS[task]
    handle = slice(skill.joint - 3, skill.joint)

    def act(observation, rng):
        observation = observation.copy()
        observation[handle] += displaced
        error = target(skill, observation) - observation[:3]
        action = np.append(GAIN * error, skill.effort)
        return executed(action + noise * rng.standard_normal(ACTIONS))

    return act


def wandering() -> Act:
    """Actions that follow an autoregressive process, x' = 0.95 x + sqrt(1 - 0.95^2) 0.7 e."""
    state = np.zeros(ACTIONS)

    def act(observation, rng):
        nonlocal state
        innovation = WANDERING * rng.standard_normal(ACTIONS)
        state = PERSISTENCE * state + np.sqrt(1 - PERSISTENCE**2) * innovation
        return executed(state)

    return act


def attempting(task: str, rng: np.random.Generator, misled: float) -> Act:
    """A task's script with a random noise scale. It aims beside the handle with chance `misled`."""
    displaced = (rng.random() < misled) * DISPLACEMENT * rng.standard_normal(3)
    return scripted(task, NOISES[rng.integers(len(NOISES))], displaced)


def expert(task: str) -> Behaviour:
    """The task's script without noise."""
    return Behaviour(lambda rng: scripted(task, 0.0))


def demonstrations(task: str) -> Behaviour:
    """The task's script with a little noise."""
    return Behaviour(lambda rng: scripted(task, DEMONSTRATION_NOISE))


def wide(task: str) -> Behaviour:
    """One movement after another. `begin` draws whether the first carries the task through."""

    def begin(rng):
        attempted, moving, left = task, attempting(task, rng, misled=0.0), LONGEST
        if rng.random() >= THROUGH:
            left = 0

        def act(observation, rng):
            nonlocal attempted, moving, left
            if left == 0 or (attempted and SKILLS[attempted].over(observation)):
                left = int(rng.integers(*LASTS))
                wanders = rng.random() < WANDERS
                attempted = None if wanders else tuple(SKILLS)[rng.integers(len(SKILLS))]
                moving = attempting(attempted, rng, MISLED) if attempted else wandering()
            left -= 1
            return moving(observation, rng)

        return act

    return Behaviour(begin)
