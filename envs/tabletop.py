"""The pick-and-place tasks as registered Gymnasium environments; importing registers them.

A gripper on a gantry above a table, all of plain geoms. It holds by the friction of its fingers.
"""

import functools
from typing import ClassVar

import gymnasium
import mujoco
import numpy as np

from envs.rays import Camera
from envs.vision import ABOUT, CONTAINERS, CONTENTS, HEIGHTS, OBJECTS, TASKS

SCENE = """
<mujoco model="tabletop">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="0.005" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <size memory="2M"/>
  <default>
    <geom friction="1 0.02 0.002" condim="6" density="300" solref="0.01 1"/>
    <default class="finger">
      <joint type="slide" range="0 0.041" damping="2" armature="0.02"/>
      <position kp="600" dampratio="1" forcerange="-10 10"/>
      <geom type="box" size="0.006 0.012 0.04" pos="0 0 0.028" rgba="0.15 0.15 0.2 1" mass="0.05"
        friction="2 0.05 0.01" condim="6"/>
    </default>
    <default class="gantry">
      <joint type="slide" armature="0.5"/>
      <position kp="2000" dampratio="1"/>
    </default>
  </default>
  <worldbody>
    <geom name="table" type="box" size="{table} {table} 0.02" pos="0 0 -0.02" group="1"/>
    <body name="hand" gravcomp="1">
      <joint name="x" class="gantry" axis="1 0 0"/>
      <joint name="y" class="gantry" axis="0 1 0"/>
      <joint name="z" class="gantry" axis="0 0 1"/>
      <geom type="box" size="0.054 0.014 0.012" pos="0 0 0.08" rgba="0.45 0.45 0.5 1" mass="0.3"/>
      <geom type="cylinder" size="0.016 0.03" pos="0 0 0.12" rgba="0.45 0.45 0.5 1" mass="0.2"/>
      <body name="left" gravcomp="1" pos="-0.047 0 0">
        <joint name="left" class="finger" axis="1 0 0"/>
        <geom name="left" class="finger"/>
      </body>
      <body name="right" gravcomp="1" pos="0.047 0 0">
        <joint name="right" class="finger" axis="-1 0 0"/>
        <geom name="right" class="finger"/>
      </body>
    </body>
    {things}
  </worldbody>
  <actuator>
    <position joint="x" class="gantry"/>
    <position joint="y" class="gantry"/>
    <position joint="z" class="gantry"/>
    <position joint="left" class="finger"/>
    <position joint="right" class="finger"/>
  </actuator>
</mujoco>
"""

# What the things are made of: geoms in the frame of a body that stands on the table at z = 0.
# Long ones lie along y, across the direction in which the fingers close.
GEOMS = {
    "banana": """
      <geom type="capsule" fromto="0 -0.016 0.017 0 0.016 0.017" size="0.016" rgba="1 0.88 0.1 1"/>
      <geom type="capsule" fromto="0 0.016 0.017 0.012 0.038 0.017" size="0.014"
        rgba="1 0.88 0.1 1"/>
      <geom type="capsule" fromto="0 -0.016 0.017 0.012 -0.038 0.017" size="0.014"
        rgba="1 0.88 0.1 1"/>
      <geom type="sphere" pos="0.019 0.05 0.017" size="0.009" rgba="0.35 0.25 0.05 1"/>""",
    "bottle": """
      <geom type="cylinder" pos="0 0 0.035" size="0.021 0.035" rgba="0.1 0.7 0.3 1"/>
      <geom type="cylinder" pos="0 0 0.085" size="0.01 0.016" rgba="0.1 0.7 0.3 1" mass="0.002"/>
      <geom type="cylinder" pos="0 0 0.105" size="0.012 0.006" rgba="0.95 0.95 0.9 1" mass="0.002"/>""",
    "sausage": """
      <geom type="capsule" fromto="0 -0.032 0.016 0 0.032 0.016" size="0.016"
        rgba="0.5 0.17 0.1 1"/>""",
    "milk": """
      <geom type="box" pos="0 0 0.035" size="0.021 0.021 0.035" rgba="1 1 1 1"/>
      <geom type="box" pos="0 0 0.078" size="0.012 0.021 0.009" rgba="0.15 0.3 0.9 1" mass="0.005"/>""",
    "food": """
      <geom type="box" pos="0 0 0.018" size="0.022 0.034 0.018" rgba="0.55 0.2 0.65 1"/>
      <geom type="box" pos="0 0 0.037" size="0.015 0.02 0.002" rgba="0.95 0.8 0.95 1" mass="0.001"/>""",
    "can": """
      <geom type="cylinder" pos="0 0 0.024" size="0.022 0.024" rgba="0.9 0.1 0.1 1"/>
      <geom type="cylinder" pos="0 0 0.05" size="0.019 0.003" rgba="0.8 0.82 0.85 1" mass="0.002"/>""",
    "carrot": """
      <geom type="capsule" fromto="0 0.01 0.017 0 0.03 0.017" size="0.017" rgba="1 0.5 0.05 1"/>
      <geom type="capsule" fromto="0 -0.03 0.012 0 0.01 0.016" size="0.012" rgba="1 0.5 0.05 1"/>
      <geom type="ellipsoid" pos="0 0.058 0.017" size="0.014 0.016 0.008" rgba="0.1 0.6 0.15 1"
        mass="0.001"/>""",
    "bowl": """
      <geom type="cylinder" pos="0 0 0.003" size="0.06 0.003" rgba="0.4 0.9 0.9 1"/>
      <geom type="box" pos="0.0620 0.0000 0.018" euler="0 0 0.0000"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0438 0.0438 0.018" euler="0 0 0.7854"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0000 0.0620 0.018" euler="0 0 1.5708"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0438 0.0438 0.018" euler="0 0 2.3562"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0620 0.0000 0.018" euler="0 0 3.1416"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0438 -0.0438 0.018" euler="0 0 3.9270"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0000 -0.0620 0.018" euler="0 0 4.7124"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0438 -0.0438 0.018" euler="0 0 5.4978"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>""",
    "plate": """
      <geom type="cylinder" pos="0 0 0.003" size="0.07 0.003" rgba="0.25 0.45 0.85 1"/>
      <geom type="cylinder" pos="0 0 0.005" size="0.05 0.004" rgba="0.93 0.93 0.95 1"/>""",
    "divider-plate": """
      <geom type="box" pos="0 0 0.003" size="0.062 0.062 0.003" rgba="0.98 0.65 0.75 1"/>
      <geom type="box" pos="0 0 0.006" size="0.004 0.062 0.006" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0 0.064 0.009" size="0.066 0.004 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0 -0.064 0.009" size="0.066 0.004 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0.064 0 0.009" size="0.004 0.064 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="-0.064 0 0.009" size="0.004 0.064 0.009" rgba="0.8 0.3 0.45 1"/>""",
}

# Metres. An episode's things lie within AREA (half sides), apart from each other.
TABLE, AREA, CONTAINER_AREA = 0.26, np.array([0.17, 0.13]), np.array([0.12, 0.08])
APART, CLEAR = 0.085, 0.13  # between objects; between an object and the container
INSIDE = 0.06  # from the container's middle, of what lies in it
TURNED = 0.6  # radians about the vertical, either way
HAND_LOW, HAND_HIGH = np.array([-0.2, -0.16, 0.016]), np.array([0.2, 0.16, 0.18])
START_LOW, START_HIGH = np.array([-0.1, -0.1, 0.14]), np.array([0.1, 0.1, 0.18])
OPEN, CLOSED = 0.0, 0.041  # of a finger's joint
METRES_PER_STEP = 0.05  # at action 1
BITS, BIT = 10, 2  # a step simulates 10 times 2 substeps of 5 ms ...
RAMP = 6  # ... and the hand's target moves during the first six
PICTURE = 48  # pixels along each side

CAMERA = Camera(
    eye=(0.0, -0.5, 0.64),
    target=(0.0, 0.02, 0.05),
    light=(0.0, 0.0, 2.0),
    view=0.56,
    size=(PICTURE, PICTURE),
    half=TABLE,
    table=(0.72, 0.66, 0.58),
    backdrop=(0.3, 0.33, 0.4),
)


@functools.cache
def scene(things: tuple[str, ...]) -> mujoco.MjModel:
    """The compiled table with these things, shared by this process's environments: never written.

    A picture then casts no rays at what is not there, and nothing has to be parked out of sight.
    """
    bodies = [
        f'<body name="{name}" mocap="true">{GEOMS[name]}</body>'
        if name in CONTAINERS
        else f'<body name="{name}"><freejoint name="{name}"/>{GEOMS[name]}</body>'
        for name in things
    ]
    return mujoco.MjModel.from_xml_string(SCENE.format(table=TABLE, things="\n".join(bodies)))


def spread(rng: np.random.Generator, objects: int) -> np.ndarray:
    """Places (x, y) of a container, which comes first, and of some objects, [1 + objects, 2]."""
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
    `info` carries what recomputes the reward of every task.

    An episode shows three or four objects and one container at random places: the task's own and
    others by chance.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, task: str, render_mode: str | None = None):
        self.task = TASKS[task]
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.observation_space = gymnasium.spaces.Box(0, 255, (PICTURE, PICTURE, 3), np.uint8)
        self.container, self.objects = "", ()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        rng = self.np_random
        self.container, self.objects = self._chosen(rng)
        self.model = model = scene((self.container, *self.objects))
        self.data = data = mujoco.MjData(model)
        places = spread(rng, len(self.objects))
        data.mocap_pos[0, :2] = places[0]
        for name, place in zip(self.objects, places[1:], strict=True):
            turn = rng.uniform(-TURNED, TURNED) / 2
            data.joint(name).qpos[:] = *place, 0.0, np.cos(turn), 0.0, 0.0, np.sin(turn)
        data.qpos[:3] = rng.uniform(START_LOW, START_HIGH)
        mujoco.mj_forward(model, data)
        things = (self.container, *self.objects)
        self._rest = {name: data.body(name).xipos[2] for name in things}
        self._move(np.zeros(3), OPEN)
        return self._observation(), self._info()

    def _chosen(self, rng) -> tuple[str, tuple[str, ...]]:
        """The container and the objects of an episode, in the order of their names' lists."""
        own = ABOUT[self.task.name]
        container = CONTAINERS[rng.integers(len(CONTAINERS))]
        others = [name for name in OBJECTS if name != own]
        count = rng.integers(3, 5)
        picked = {own, *rng.permutation(others)[: count - (own in OBJECTS)]}
        return own if own in CONTAINERS else container, tuple(o for o in OBJECTS if o in picked)

    def _move(self, by: np.ndarray, fingers: float):
        data = self.data
        start = data.qpos[:3].copy()
        end = np.clip(start + by, HAND_LOW, HAND_HIGH)
        data.ctrl[3:] = fingers
        for bit in range(BITS):
            data.ctrl[:3] = start + min(1.0, (bit + 1) / RAMP) * (end - start)
            mujoco.mj_step(self.model, data, BIT)
        mujoco.mj_forward(self.model, data)

    def step(self, action):
        action = np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        self._move(METRES_PER_STEP * action[:3], CLOSED if action[3] > 0 else OPEN)
        info = self._info()
        reward, terminated = self.task.outcome(action, info)
        return self._observation(), reward, terminated, False, info

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What scripts see and learned policies do not, metres.

        The hand's x, y, z; how far each finger has closed, [2]; of every thing on the table its
        middle's x, y and how high it is above rest.
        """
        data, state = self.data, {"hand": self.data.qpos[:3].copy()}
        state["fingers"] = data.qpos[3:5].copy()
        for name in (self.container, *self.objects):
            state[name] = data.body(name).xipos - (0.0, 0.0, self._rest[name])
        return state

    def _info(self) -> dict[str, float]:
        info, state = dict.fromkeys(self.task.infos, 0.0), self.state
        for name in self.objects:
            info[HEIGHTS[name]] = float(state[name][2])
        info[CONTENTS[self.container]] = float(self._contents())
        return info

    def _contents(self) -> int:
        """How many objects lie in the container: they touch it, and no finger touches them."""
        data, model = self.data, self.model
        bodies = model.geom_bodyid[data.contact.geom]
        touching = {frozenset(pair) for pair in bodies.tolist()}
        middle = data.body(self.container)
        fingers = [model.body(name).id for name in ("hand", "left", "right")]
        count = 0
        for name in self.objects:
            body = data.body(name)
            inside = np.hypot(*(body.xipos - middle.xpos)[:2]) <= INSIDE
            held = any(frozenset((body.id, finger)) in touching for finger in fingers)
            count += bool(inside and not held and frozenset((body.id, middle.id)) in touching)
        return count

    def _observation(self) -> np.ndarray:
        return CAMERA.draw(self.model, self.data)

    def render(self):
        return self._observation() if self.render_mode else None


for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point=Tabletop,
        max_episode_steps=_task.horizon,
        kwargs={"task": _task.name},
    )
