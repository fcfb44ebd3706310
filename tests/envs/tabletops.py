"""What the tests of the tabletop share."""

import mujoco

from envs import vision

TASKS = sorted(vision.TASKS)


def put(env, name: str, place) -> dict[str, float]:
    """Puts an object somewhere, at rest, and the hand away; what `info` then says."""
    world = env.unwrapped
    joint = world.data.joint(name)
    joint.qpos[:3], joint.qvel[:] = place, 0.0
    world.data.qpos[:3] = 0.17, 0.16, 0.18
    mujoco.mj_forward(world.model, world.data)
    return world._info(world.state)
