"""Drawing of observed pictures: frames per second of the table's camera, without physics."""

from collections.abc import Callable
from typing import Any

import envs

MOMENTS = 30  # of an episode with random actions, whose pictures are drawn in turn


def prepare(spec: dict[str, Any]) -> Callable[[], int]:
    """A step draws one picture."""
    world = envs.make("lift-milk").unwrapped
    world.reset(seed=0)
    world.action_space.seed(0)
    states = []
    for _ in range(MOMENTS):
        world.step(world.action_space.sample())
        states.append((world.data.qpos.copy(), world.data.qvel.copy()))
    import mujoco

    number = 0

    def step() -> int:
        nonlocal number
        world.data.qpos[:], world.data.qvel[:] = states[number % MOMENTS]
        mujoco.mj_kinematics(world.model, world.data)
        world._observation()
        number += 1
        return 1

    return step
