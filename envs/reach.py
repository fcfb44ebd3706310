"""Reaching a point with the ant: the skill behind the ant mazes' data, and its observations.

The skill is not a benchmark task. Its reward is the progress towards the goal. The progress is
capped, so that the ant learns to walk without falling rather than to leap [ours]:

    min(v_goal, 3) - 0.05 |a|^2,   v_goal the decrease of the distance in m/s.

An episode ends when the torso leaves gymnasium's 0.2 <= z <= 1.0 or tips upside down.
"""

import numpy as np

from envs.specs import Columns, Task

CONTROL_COST = 0.05
TOP_SPEED = 3.0
FAR = 4.0  # metres; a goal farther away looks like one at this distance


def features(state: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """The reaching policy's observation, float32 [28], of the ant's state [29] and a goal xy [2].

    state: x, y, z, quaternion, 8 joints, then their velocities. The features are the height, the
    world's up in the torso's frame, the joints, the velocities, and the vector to the goal in units
    of 4 metres, with a length of at most 1. All vectors are in the frame of the torso's heading, so
    the policy need not learn each direction separately.
    """
    w, x, y, z = state[3:7] / np.sqrt(np.square(state[3:7]).sum())
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    cos, sin = np.cos(yaw), np.sin(yaw)
    dx, dy = goal - state[:2]
    scale = 1.0 / max(np.hypot(dx, dy), FAR)
    vx, vy = state[15:17]
    head = (state[2], 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
    turned = (cos * vx + sin * vy, cos * vy - sin * vx)
    way = ((cos * dx + sin * dy) * scale, (cos * dy - sin * dx) * scale)
    return np.concatenate([head, state[7:15], turned, state[17:29], way]).astype(np.float32)


def reward(columns: Columns) -> np.ndarray:
    """min(v_goal, 3) - 0.05 |a|^2, [N]."""
    cost = CONTROL_COST * np.square(columns["actions"].astype(np.float64)).sum(-1)
    return np.minimum(columns["infos/progress"], TOP_SPEED) - cost


def fallen(columns: Columns) -> np.ndarray:
    """Whether the torso left 0.2 <= z <= 1.0 (gymnasium's Ant) or points downwards, bool [N]."""
    height = columns["infos/height"]
    return ~((0.2 <= height) & (height <= 1.0) & (columns["infos/up"] > 0.0))


SKILLS = {
    "ant-reach": Task(
        name="ant-reach",
        domain="navigation",
        env_id="cds/AntReach-v0",
        metric="return",
        horizon=500,
        infos=("progress", "height", "up"),
        axes=("progress (m/s)", "torso height (m)"),
        reward=reward,
        terminal=fallen,
    )
}
