"""The door and drawer tasks as registered Gymnasium environments; importing registers them.

One Sawyer arm stands in front of a door (right) and a drawer (left). The scene is built from the
assets of the installed metaworld. That package is located but never imported, so none of its code
runs here.
"""

import functools
import importlib.util
from pathlib import Path
from typing import ClassVar

import gymnasium
import mujoco
import numpy as np

from envs.manipulation import DOOR, DRAWER, TASKS
from envs.specs import WorldError

METAWORLD = "3.1.1"
FILES = (
    "scene/basic_scene.xml",
    *(
        f"objects/assets/{name}.xml"
        for name in (
            "doorlock_dependencies", "drawer_dependencies", "xyz_base_dependencies",
            "doorlockB", "drawer", "xyz_base",
        )
    ),
)  # fmt: skip

# The bodies "door" and "drawer" are mocap bodies. An episode can therefore place them through its
# MjData, and all environments of a process share one MjModel without writing to it.
SCENE = """
<mujoco model="door-drawer">
  <compiler assetdir="{assets}/objects"/>
  <include file="{assets}/scene/basic_scene.xml"/>
  <include file="{assets}/objects/assets/doorlock_dependencies.xml"/>
  <include file="{assets}/objects/assets/drawer_dependencies.xml"/>
  <include file="{assets}/objects/assets/xyz_base_dependencies.xml"/>
  <worldbody>
    <camera name="side" pos="0.87 -0.38 1.1" xyaxes="0.766 0.643 0 -0.369 0.439 0.819"/>
    <include file="{assets}/objects/assets/xyz_base.xml"/>
    <body name="door" mocap="true">
      <include file="{assets}/objects/assets/doorlockB.xml"/>
    </body>
    <body name="drawer" mocap="true">
      <include file="{assets}/objects/assets/drawer.xml"/>
    </body>
  </worldbody>
  <actuator>
    <position joint="r_close" kp="400" ctrllimited="true" ctrlrange="-1 1"/>
    <position joint="l_close" kp="400" ctrllimited="true" ctrlrange="-1 1"/>
  </actuator>
  <contact>
    <!-- Beyond -1.32 rad, frame and door overlap. Their contact would push an open door back. -->
    <exclude body1="doorlockB" body2="door_link"/>
  </contact>
  <equality>
    <weld body1="mocap" body2="hand" relpose="0 0 0 -1 0 0 0" torquescale="5" solref="0.02 1"/>
  </equality>
</mujoco>
"""

# Metres, in the world's frame; the arm stands at the origin and looks along y.
HAND, HAND_JITTER = np.array([0.0, 0.55, 0.38]), np.array([0.05, 0.05, 0.03])
HAND_LOW, HAND_HIGH = np.array([-0.5, 0.35, 0.05]), np.array([0.5, 1.0, 0.5])
DOWNWARDS = np.array([1.0, 0.0, 1.0, 0.0]) / np.sqrt(2)  # the hand's orientation, a quaternion
PLACES = {  # name: lowest and highest position, uniform between them
    "door": (np.array([0.2, 0.88, 0.15]), np.array([0.25, 0.95, 0.15])),
    "drawer": (np.array([-0.3, 0.9, 0.0]), np.array([-0.2, 0.9, 0.0])),
}
CLOSED = {DOOR: (-0.05, 0.0), DRAWER: (-0.01, 0.0)}  # start angles and positions, uniform
OPEN = {DOOR: (-1.6, -1.45), DRAWER: (-0.16, -0.152)}
JOINTS = {DOOR: "doorjoint", DRAWER: "goal_slidey"}
HANDLES = {DOOR: "handle", DRAWER: "objGeom"}

METRES_PER_STEP = 0.01  # how far action 1 moves the mocap body
SUBSTEPS = 5  # of 2.5 ms
SETTLING = 300  # steps in which the arm settles from its zero pose, once per process
ARRIVING = 20  # steps from the settled pose to an episode's initial hand position
GRIPPER_RANGE = 0.1  # the distance of the open fingers, metres
NOW = 12  # numbers per step; an observation holds those of this and of the previous step


def assets() -> Path:
    """The asset folder of the installed metaworld. Raises WorldError if it or a file is missing."""
    spec = importlib.util.find_spec("metaworld")
    if spec is None or spec.origin is None:
        raise WorldError(
            "the door and the drawer come from metaworld, which isn't installed; run `make setup`, "
            f"which installs metaworld {METAWORLD}"
        )
    folder = Path(spec.origin).parent / "assets"
    missing = [str(folder / name) for name in FILES if not (folder / name).is_file()]
    if missing:
        raise WorldError(
            f"these assets of metaworld are missing: {', '.join(missing)}; run `make setup`, which "
            f"installs metaworld {METAWORLD}, the supported version"
        )
    return folder


@functools.cache
def scene() -> mujoco.MjModel:
    """The compiled scene, which all environments of this process share; never write to it."""
    folder = assets()
    try:
        return mujoco.MjModel.from_xml_string(SCENE.format(assets=folder))
    except ValueError as error:
        raise WorldError(
            f"{folder} does not compile ({error}); run `make setup`, which installs metaworld "
            f"{METAWORLD}, the supported version"
        ) from error


@functools.cache
def settled() -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities of every joint once the arm holds the hand at HAND, [nq], [nv]."""
    model = scene()
    data = mujoco.MjData(model)
    hand = model.body("mocap").mocapid[0]
    data.mocap_pos[hand], data.mocap_quat[hand] = HAND, DOWNWARDS
    data.ctrl[:] = (-1.0, 1.0)
    for name, (low, _) in PLACES.items():
        data.mocap_pos[model.body(name).mocapid[0]] = low
    mujoco.mj_step(model, data, SETTLING * SUBSTEPS)
    return data.qpos.copy(), data.qvel.copy()


class DoorDrawer(gymnasium.Env):
    """The scene with the reward of one task of `envs.manipulation`.

    action, float32 [4] in [-1, 1]: the hand's displacement (x, y, z in centimetres) and the
    gripper's effort (1 closes). observation, float64 [24], metres and radians: hand x, y, z,
    gripper opening (1 open), door handle x, y, z, door angle, drawer handle x, y, z, drawer
    position; then the same twelve of the previous step (after a reset, of the current step).
    `info` carries `door_angle` and `drawer_position` after the step. They suffice to recompute the
    reward of every task.

    An episode starts with the task's own object in the opposite state. The other object is open or
    closed at random. The positions of both objects and of the hand vary. Raises WorldError if
    metaworld's assets are missing.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 80}

    def __init__(self, task: str, render_mode: str | None = None):
        self.task = TASKS[task]
        self.render_mode = render_mode
        self.model = model = scene()
        self.data = data = mujoco.MjData(model)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2 * NOW,), np.float64)
        self._mocap = {name: model.body(name).mocapid[0] for name in ("mocap", *PLACES)}
        self._qpos = {name: model.joint(joint).qposadr[0] for name, joint in JOINTS.items()}
        self._qvel = {name: model.joint(joint).dofadr[0] for name, joint in JOINTS.items()}
        # Views into `data`, which every step refreshes in place.
        self._hand, self._target = data.body("hand").xpos, data.mocap_pos[self._mocap["mocap"]]
        self._fingers = data.body("rightclaw").xpos, data.body("leftclaw").xpos
        self._handles = {name: data.geom(geom).xpos for name, geom in HANDLES.items()}
        self._previous = np.zeros(NOW)
        self._renderer = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos, self.data.qvel = settled()
        for name, (low, high) in PLACES.items():
            self.data.mocap_pos[self._mocap[name]] = self.np_random.uniform(low, high)
        for name, opened in self._opened().items():
            low, high = (OPEN if opened else CLOSED)[name]
            self.data.qpos[self._qpos[name]] = self.np_random.uniform(low, high)
            self.data.qvel[self._qvel[name]] = 0.0
        self._target[:] = HAND + self.np_random.uniform(-HAND_JITTER, HAND_JITTER)
        self.data.mocap_quat[self._mocap["mocap"]] = DOWNWARDS
        self.data.ctrl[:] = (-1.0, 1.0)
        self._simulate(ARRIVING)
        self._previous = self._describe()
        return np.concatenate([self._previous, self._previous]), self._info()

    def _opened(self) -> dict[str, bool]:
        """Whether each object starts open: the task's own is unsolved, the other is random."""
        chance = bool(self.np_random.integers(2))
        own, solved = self.task.name.split("-")
        return {
            name: solved == "close" if name.startswith(own) else chance for name in (DOOR, DRAWER)
        }

    def _simulate(self, steps: int):
        mujoco.mj_step(self.model, self.data, steps * SUBSTEPS)
        mujoco.mj_kinematics(self.model, self.data)  # mj_step leaves positions one substep behind

    def _info(self) -> dict[str, float]:
        return {name: float(self.data.qpos[address]) for name, address in self._qpos.items()}

    def _describe(self) -> np.ndarray:
        right, left = self._fingers
        opening = min(float(np.linalg.norm(right - left)) / GRIPPER_RANGE, 1.0)
        parts = [self._hand, (opening,)]
        for name, value in self._info().items():
            parts += [self._handles[name], (value,)]
        return np.concatenate(parts)

    def step(self, action):
        action = np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        target = self._target + METRES_PER_STEP * action[:3]
        np.clip(target, HAND_LOW, HAND_HIGH, out=self._target)
        self.data.ctrl[:] = action[3], -action[3]
        self._simulate(1)
        present = self._describe()
        observation = np.concatenate([present, self._previous])
        self._previous = present
        info = self._info()
        reward, terminated = self.task.outcome(action, info)
        return observation, reward, terminated, False, info

    def render(self):
        if self.render_mode is None:
            return None
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self.model, height=360, width=480)
        mujoco.mj_camlight(self.model, self.data)
        self._renderer.update_scene(self.data, camera="side")
        return self._renderer.render()

    def close(self):
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point=DoorDrawer,
        max_episode_steps=_task.horizon,
        kwargs={"task": _task.name},
    )
