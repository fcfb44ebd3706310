"""Ant and point mass in mazes as Gymnasium environments; importing this module registers them.

The bodies are gymnasium's ant and gymnasium-robotics' point mass; goal, reward, termination and
reset are our own. One compiled model per body and maze is shared by a process's environments:
nothing is written to it.
"""

import functools
import importlib.util
from pathlib import Path
from typing import ClassVar

import gymnasium
import mujoco
import numpy as np
from gymnasium.spaces import Box

from envs import navigation
from envs.navigation import CELL, PLACES, TASKS
from envs.reach import SKILLS, features
from envs.specs import WorldError

ANT_REACH = SKILLS["ant-reach"]
FRAME_SKIP = {"ant": 5, "point": 10}  # simulator steps of 0.01 s per step
TOP_SPEED = 5.0  # m/s, of the point mass along each axis, as in gymnasium-robotics
START_NOISE = 0.5  # metres along each axis about a cell's centre
WALL_HEIGHT = 2.0  # metres, as seen
FLOOR = (0.85, 0.85, 0.8, 1.0)  # plain: bodies are small in the picture
PICTURE = (360, 480)  # height and width, pixels
BARRIER = 10.0  # metres, as felt: hard-driven legs throw the ant 3 metres up, over what is seen
BODIES = {
    "ant": ("gymnasium", "envs/mujoco/assets/ant.xml"),
    "point": ("gymnasium_robotics", "envs/assets/point/point.xml"),
}
ANT_LEGS = (0, 1, 0, -1, 0, -1, 0, 1)  # radians: the pose that ant.xml names init_qpos


def body_spec(body: str) -> mujoco.MjSpec:
    """A body on its plane. Raises WorldError where the package that has it lacks it."""
    package, relative = BODIES[body]
    found = importlib.util.find_spec(package)
    path = Path(found.origin).parent / relative if found and found.origin else Path(relative)
    if not path.exists():
        raise WorldError(
            f"{path}: not installed, but the {body}'s model is expected there, in the package "
            f"'{package}'; run `make setup`, which installs the version in requirements.lock"
        )
    return mujoco.MjSpec.from_file(str(path))


@functools.cache
def maze_model(body: str, maze: str) -> mujoco.MjModel:
    """A body among the walls of a maze; a wall for every wall cell that has a free neighbour."""
    spec = body_spec(body)
    for floor in spec.worldbody.geoms:
        if floor.type == mujoco.mjtGeom.mjGEOM_PLANE:
            floor.material, floor.rgba = "", FLOOR
    free = set(navigation.free_cells(maze))
    for row, column in navigation.cells(maze, "#"):
        around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        if around & free:
            x, y = navigation.centre((row, column))
            for height, solid in ((WALL_HEIGHT, 0), (BARRIER, 1)):
                spec.worldbody.add_geom(
                    type=mujoco.mjtGeom.mjGEOM_BOX,
                    size=(CELL / 2, CELL / 2, height / 2),
                    pos=(x, y, height / 2),
                    contype=solid,
                    conaffinity=solid,
                    group=4 * solid,  # group 4 is not drawn
                    rgba=(0.7, 0.5, 0.3, 1.0),
                )
    return spec.compile()


@functools.cache
def plane_model() -> mujoco.MjModel:
    """The ant on its plane, integrated by Euler's method: three times as fast as RK4 [ours]."""
    spec = body_spec("ant")
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_EULER
    return spec.compile()


class _World(gymnasium.Env):
    """What both worlds share: a model and its state."""

    def __init__(self, model: mujoco.MjModel):
        self.model, self.data = model, mujoco.MjData(model)
        self.action_space = Box(-1.0, 1.0, (model.nu,), np.float32)

    def _state(self) -> np.ndarray:
        """Positions and velocities."""
        return np.concatenate([self.data.qpos, self.data.qvel])

    def _pose_ant(self, yaw: float) -> None:
        """gymnasium's initial pose and noise, turned about the vertical."""
        rng, qpos = self.np_random, self.data.qpos
        qpos[3:7] = np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)
        qpos[7:15] = ANT_LEGS
        qpos[2:15] += rng.uniform(-0.1, 0.1, 13)
        qpos[3:7] /= np.sqrt(np.square(qpos[3:7]).sum())
        self.data.qvel[:] = 0.1 * rng.standard_normal(14)


class MazeTask(_World):
    """One goal in one maze (`envs.navigation`).

    Observations are positions and velocities, float64: the ant's [29] or the point's [4], in
    metres and radians. `info` carries `x` and `y` after the step. An episode starts in cell 'S';
    with options={"start": "anywhere"} in any free cell but the goal's.
    """

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 20}

    def __init__(self, task: str, render_mode: str | None = None):
        self.task = TASKS[task]
        self.place = PLACES[task]
        super().__init__(maze_model(self.place.body, self.place.maze))
        size = self.model.nq + self.model.nv
        self.observation_space = Box(-np.inf, np.inf, (size,), np.float64)
        self.render_mode = render_mode
        self._renderer: mujoco.Renderer | None = None
        goal_cell = navigation.cell_at(*self.place.goal)
        self._starts = {
            "corner": list(navigation.cells(self.place.maze, "S")),
            "anywhere": [
                cell for cell in navigation.free_cells(self.place.maze) if cell != goal_cell
            ],
        }

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        starts = self._starts[(options or {}).get("start", "corner")]
        mujoco.mj_resetData(self.model, self.data)
        cell = starts[self.np_random.integers(len(starts))]
        noise = self.np_random.uniform(-START_NOISE, START_NOISE, 2)
        if self.place.body == "ant":
            self._pose_ant(yaw=0.0)
        self.data.qpos[:2] = navigation.centre(cell) + noise
        mujoco.mj_fwdPosition(self.model, self.data)  # for pictures; a step computes it anyway
        return self._state(), {}

    def render(self) -> np.ndarray:
        """The maze from above, y upwards, goal green, body marked red; uint8 [360, 480, 3]."""
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self.model, *PICTURE)
        lines = navigation.MAZES[self.place.maze]
        camera = mujoco.MjvCamera()
        middle = navigation.centre(((len(lines) - 1) / 2, (len(lines[0]) - 1) / 2))
        camera.lookat[:] = *middle, 0.0
        camera.distance, camera.azimuth, camera.elevation = 1.25 * CELL * len(lines), 90, -70
        self._renderer.update_scene(self.data, camera)
        self._mark(self.place.goal, 2 * navigation.RADIUS, (0.1, 0.7, 0.2, 1.0))
        self._mark(self.data.qpos[:2], navigation.RADIUS, (0.9, 0.1, 0.0, 1.0))
        return self._renderer.render()

    def _mark(self, place, radius: float, colour) -> None:
        """Adds a ball to the picture alone; the model is shared and stays as it is."""
        scene = self._renderer.scene
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mujoco.mjtGeom.mjGEOM_SPHERE,
            np.full(3, radius),
            np.array([*place, 0.5]),
            np.eye(3).ravel(),
            np.array(colour, np.float32),
        )
        scene.ngeom += 1

    def close(self):
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def step(self, action):
        self.data.ctrl[:] = action
        if self.place.body == "point":
            np.clip(self.data.qvel, -TOP_SPEED, TOP_SPEED, out=self.data.qvel)
        mujoco.mj_step(self.model, self.data, FRAME_SKIP[self.place.body])
        state = self._state()
        info = {"x": state[0], "y": state[1]}
        reward, terminated = self.task.outcome(action, info)
        return state, reward, terminated, False, info


class AntReach(_World):
    """The ant walks to one point after another on an open plane (`envs.reach`).

    Observations are `features`, float32 [28]; actions lie in [-1, 1]^8.
    """

    def __init__(self):
        super().__init__(plane_model())
        self.observation_space = Box(-np.inf, np.inf, (28,), np.float32)
        self.task = ANT_REACH
        self.goal = np.zeros(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        self._pose_ant(yaw=self.np_random.uniform(-np.pi, np.pi))
        self._draw_goal()
        return features(self._state(), self.goal), {}

    def step(self, action):
        before = np.hypot(*(self.goal - self.data.qpos[:2]))
        self.data.ctrl[:] = action
        mujoco.mj_step(self.model, self.data, FRAME_SKIP["ant"])
        state = self._state()
        after = np.hypot(*(self.goal - state[:2]))
        _, x, y, _ = state[3:7]
        info = {
            "progress": (before - after) / (FRAME_SKIP["ant"] * self.model.opt.timestep),
            "height": state[2],
            "up": 1 - 2 * (x * x + y * y),
        }
        reward, terminated = self.task.outcome(action, info)
        if after < navigation.RADIUS:
            self._draw_goal()
        return features(state, self.goal), reward, terminated, False, info

    def _draw_goal(self) -> None:
        """The next goal: 2 to 8 metres away, in any direction."""
        angle, far = self.np_random.uniform(-np.pi, np.pi), self.np_random.uniform(2.0, 8.0)
        self.goal = self.data.qpos[:2] + far * np.array([np.cos(angle), np.sin(angle)])


for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point=MazeTask,
        max_episode_steps=_task.horizon,
        kwargs={"task": _task.name},
    )
gymnasium.register(id=ANT_REACH.env_id, entry_point=AntReach, max_episode_steps=ANT_REACH.horizon)
