"""The pick-and-place tasks as Gymnasium environments; importing this module registers them.

This module chooses and places the things of an episode, moves the gripper (`envs.scenery`) and
draws the observed pictures (`envs.rays`). It needs neither GL nor a display.
"""

import functools
from typing import ClassVar

import gymnasium
import mujoco
import numpy as np

from envs.rays import Camera
from envs.scenery import HALF, scene
from envs.vision import ABOUT, CONTAINERS, CONTENTS, HEIGHTS, OBJECTS, PICTURE, TASKS

# Metres. Objects lie within AREA and containers within CONTAINER_AREA (half sides).
AREA, CONTAINER_AREA = np.array([0.15, 0.13]), np.array([0.11, 0.08])
APART, CLEAR = 0.085, 0.13  # between objects; between an object and the container
INSIDE = 0.06  # largest distance of an object in a container from the container's middle
TURNED = 0.6  # radians about the vertical axis, in either direction
HAND_LOW, HAND_HIGH = np.array([-0.17, -0.16, 0.016]), np.array([0.17, 0.16, 0.18])
START_LOW, START_HIGH = np.array([-0.1, -0.1, 0.14]), np.array([0.1, 0.1, 0.18])
OPEN, CLOSED = 0.0, 0.041  # positions of a finger's joint
METRES_PER_STEP = 0.05  # at action 1
BITS, BIT = 10, 2  # a step simulates 10 times 2 substeps of 5 ms ...
RAMP = 5  # ... and the hand's target moves during the first half
RENDERED = 288  # pixels along each side of a film


@functools.cache
def camera(pixels: int) -> Camera:
    """The fixed camera, in front of the table and above it; `pixels` along each side."""
    return Camera(
        eye=(0.0, -0.5, 0.64),
        target=(0.0, 0.04, 0.07),
        light=(0.0, 0.0, 2.0),
        view=0.58,
        size=(pixels, pixels),
        half=HALF,
        table=(0.72, 0.66, 0.58),
        backdrop=(0.3, 0.33, 0.4),
    )


def chosen(about: str, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """The container and the three or four objects of an episode; `about` is one of them."""
    container = about if about in CONTAINERS else CONTAINERS[rng.integers(len(CONTAINERS))]
    own = [about] if about in OBJECTS else []
    others = rng.permutation([name for name in OBJECTS if name not in own]).tolist()
    picked = (own + others)[: rng.integers(3, 5)]
    return container, tuple(name for name in OBJECTS if name in picked)


def spread(rng: np.random.Generator, objects: int) -> np.ndarray:
    """Random places (x, y) of a container (first row) and objects, [1 + objects, 2]."""
    while True:
        places = [rng.uniform(-CONTAINER_AREA, CONTAINER_AREA)]
        for _ in range(100):
            place = rng.uniform(-AREA, AREA)
            gaps = np.hypot(*(np.array(places) - place).T)
            if gaps[0] >= CLEAR and (gaps[1:] >= APART).all():
                places.append(place)
            if len(places) == 1 + objects:
                return np.array(places)


class Tabletop(gymnasium.Env):
    """The table with the reward of one task of `envs.vision`.

    action, float32 [4] in [-1, 1]: the hand's displacement (x, y, z in units of 5 cm), and the
    gripper, which closes above 0 and opens otherwise. observation, uint8 [48, 48, 3]: the picture.
    `info` suffices to recompute the reward of every task.

    An episode shows a container and three or four objects at random places. The task's own object
    or container is always among them. The others are drawn at random.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, task: str, render_mode: str | None = None):
        self.task = TASKS[task]
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.observation_space = gymnasium.spaces.Box(0, 255, PICTURE, np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        rng = self.np_random
        self.container, self.objects = chosen(ABOUT[self.task.name], rng)
        things = (self.container, *self.objects)
        self.model = model = scene(things)
        self.data = data = mujoco.MjData(model)
        places = spread(rng, len(self.objects))
        data.mocap_pos[0, :2] = places[0]
        for name, place in zip(self.objects, places[1:], strict=True):
            turn = rng.uniform(-TURNED, TURNED) / 2
            data.joint(name).qpos[:] = *place, 0.0, np.cos(turn), 0.0, 0.0, np.sin(turn)
        data.qpos[:3] = rng.uniform(START_LOW, START_HIGH)
        mujoco.mj_forward(model, data)
        self._bodies = {name: model.body(name).id for name in things}
        self._hand = [model.body(name).id for name in ("hand", "left", "right")]
        self._rest = {name: data.xipos[body, 2] for name, body in self._bodies.items()}
        self._move(np.zeros(3), OPEN)
        return self._observation(), self._info(self.state)

    def _move(self, by: np.ndarray, fingers: float):
        data = self.data
        start = data.qpos[:3].copy()
        end = np.clip(start + by, HAND_LOW, HAND_HIGH)
        data.ctrl[3:] = fingers
        for bit in range(BITS):
            data.ctrl[:3] = start + min(1.0, (bit + 1) / RAMP) * (end - start)
            mujoco.mj_step(self.model, data, BIT)
        mujoco.mj_forward(self.model, data)  # mj_step leaves places and contacts one substep behind

    def step(self, action):
        action = np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        self._move(METRES_PER_STEP * action[:3], CLOSED if action[3] > 0 else OPEN)
        info = self._info(self.state)
        reward, terminated = self.task.outcome(action, info)
        return self._observation(), reward, terminated, False, info

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The state that scripts see and learned policies do not, in metres.

        `hand`: x, y, z. `fingers`: how far each finger has closed, [2]. Each thing on the table
        has an entry under its name: x and y of its middle, and its height above rest.
        """
        data = self.data
        state = {"hand": data.qpos[:3].copy(), "fingers": data.qpos[3:5].copy()}
        for name, body in self._bodies.items():
            state[name] = data.xipos[body] - (0.0, 0.0, self._rest[name])
        return state

    def _info(self, state) -> dict[str, float]:
        info = dict.fromkeys(self.task.infos, 0.0)
        for name in self.objects:
            info[HEIGHTS[name]] = float(state[name][2])
        contents = sum(self._contained(name, state) for name in self.objects)
        info[CONTENTS[self.container]] = float(contents)
        return info

    def _contained(self, name: str, state) -> bool:
        """Whether an object is inside the container, touches it and does not touch the hand."""
        if np.hypot(*(state[name] - state[self.container])[:2]) > INSIDE:
            return False
        pairs = self.model.geom_bodyid[self.data.contact.geom]
        touched = set(pairs[(pairs == self._bodies[name]).any(1)].ravel().tolist())
        return self._bodies[self.container] in touched and not touched & set(self._hand)

    def _observation(self) -> np.ndarray:
        return camera(PICTURE[0]).draw(self.model, self.data)

    def render(self) -> np.ndarray | None:
        """The observed view, enlarged; uint8 [288, 288, 3]."""
        return camera(RENDERED).draw(self.model, self.data) if self.render_mode else None


for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point=Tabletop,
        max_episode_steps=_task.horizon,
        kwargs={"task": _task.name},
    )
