"""The Walker2d tasks as registered Gymnasium environments; importing this module registers them."""

import gymnasium
from gymnasium.envs.mujoco.walker2d_v5 import Walker2dEnv

from envs.locomotion import TASKS


class Walker2dTask(Walker2dEnv):
    """gymnasium's Walker2d-v5 with the reward and termination of one task of `envs.locomotion`.

    Observations are Walker2d-v5's (float64 [17]); actions lie in [-1, 1]^6. `info` carries
    `x_velocity`, `height` and `pitch` after the step. They suffice to recompute the reward of every
    task.
    """

    def __init__(self, task: str, **kwargs):
        super().__init__(**({"camera_name": "track"} | kwargs))
        self.task = TASKS[task]

    @property
    def airborne(self) -> bool:
        """Whether no part of the walker touches the ground."""
        ground = self.model.geom("floor").id
        return ground not in self.data.contact.geom

    def step(self, action):
        observation, _, _, truncated, walker = super().step(action)
        _, height, pitch = self.data.qpos[:3]
        info = {"x_velocity": walker["x_velocity"], "height": height, "pitch": pitch}
        reward, terminated = self.task.outcome(action, info)
        return observation, reward, terminated, truncated, info


for _task in TASKS.values():
    gymnasium.register(
        id=_task.env_id,
        entry_point=Walker2dTask,
        max_episode_steps=_task.horizon,
        kwargs={"task": _task.name},
    )
