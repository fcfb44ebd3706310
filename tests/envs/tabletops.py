"""Helpers that the tests of the tabletop share."""

import mujoco

from envs import vision

TASKS = sorted(vision.TASKS)


def put(env, name: str, place) -> dict[str, float]:
    """Puts an object down at rest, moves the hand away, and returns the new `info`."""
    world = env.unwrapped
    joint = world.data.joint(name)
    joint.qpos[:3], joint.qvel[:] = place, 0.0
    world.data.qpos[:3] = 0.17, 0.16, 0.18
    mujoco.mj_forward(world.model, world.data)
    return world._info(world.state)
