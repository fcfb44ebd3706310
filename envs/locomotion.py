"""Locomotion: three Walker2d tasks, their rewards, and the suites made of them.

Rewards, with x' and z' taken after the step [recalled from the paper's appendix, an assumption]:

    run-forward    v_x - 0.001 |a|^2
    run-backward  -v_x - 0.001 |a|^2
    jump          -|v_x| - 0.001 |a|^2 + 10 (z' - 1.25)

v_x = (x' - x) / dt is Walker2d's own velocity. Every task ends as gymnasium's Walker2d does: when
the torso leaves 0.8 < z < 2.0 or tilts by more than one radian.
"""

import numpy as np

from envs.specs import Columns, Source, Suite, Task, scarce, single

CONTROL_COST = 1e-3
INITIAL_HEIGHT = 1.25
INFOS = ("x_velocity", "height", "pitch")
AXES = ("velocity (m/s)", "torso height (m)")
ENVIRONMENTS = "envs.walker2d"
BANDS = {
    "medium-replay": (-0.05, 0.3),
    "medium": (0.15, 0.6),
    "expert": (0.7, 1.3),
    "overlap": (-1.0, 0.5),  # two fifths of these data show other tasks
}
POLICIES = {
    "run-forward": {},
    "run-backward": {},
    "jump": {"learner": "ppo", "steps": 3_500_000, "airborne_bonus": 1.5},
}


def _control_cost(columns: Columns) -> np.ndarray:
    return CONTROL_COST * np.square(columns["actions"].astype(np.float64)).sum(-1)


def run_forward(columns: Columns) -> np.ndarray:
    """v_x - 0.001 |a|^2, metres per second, [N]."""
    return columns["infos/x_velocity"] - _control_cost(columns)


def run_backward(columns: Columns) -> np.ndarray:
    """-v_x - 0.001 |a|^2, metres per second, [N]."""
    return -columns["infos/x_velocity"] - _control_cost(columns)


def jump(columns: Columns) -> np.ndarray:
    """-|v_x| - 0.001 |a|^2 + 10 (z' - 1.25), [N]."""
    lift = 10.0 * (columns["infos/height"] - INITIAL_HEIGHT)
    return lift - np.abs(columns["infos/x_velocity"]) - _control_cost(columns)


def fallen(columns: Columns) -> np.ndarray:
    """Whether the torso left 0.8 < z < 2.0 or -1 < pitch < 1 (gymnasium's Walker2d), bool [N]."""
    height, pitch = columns["infos/height"], columns["infos/pitch"]
    return ~((0.8 < height) & (height < 2.0) & (-1.0 < pitch) & (pitch < 1.0))


def _task(name, reward):
    return Task(
        name=name,
        domain="locomotion",
        env_id=f"cds/Walker2d-{name}-v0",
        metric="return",
        horizon=1000,
        infos=INFOS,
        axes=AXES,
        reward=reward,
        terminal=fallen,
        policy=name,
        leaves_ground=True,
    )


TASKS = {
    name: _task(name, reward)
    for name, reward in (
        ("run-forward", run_forward),
        ("run-backward", run_backward),
        ("jump", jump),
    )
}

# Transitions per quality, forward/backward/jump [recalled]. `random` has the size of the largest
# medium dataset [ours].
PAPER_SIZES = {
    "random": (100_000, 100_000, 100_000),
    "medium-replay": (109_900, 109_980, 109_511),
    "medium": (27_646, 31_298, 100_000),
    "expert": (5_000, 5_000, 5_000),
    "overlap": (100_000, 100_000, 100_000),  # [ours]
}


def _suite(name: str, qualities: tuple[str, str, str]) -> Suite:
    sources = {
        task: Source(quality, PAPER_SIZES[quality][column])
        for column, (task, quality) in enumerate(zip(TASKS, qualities, strict=True))
    }
    return Suite(name=name, domain="locomotion", sources=sources)


_WHOLE = [
    _suite("walker2d-mixed", ("medium-replay", "medium", "expert")),
    *(_suite(f"walker2d-{quality}", (quality,) * 3) for quality in PAPER_SIZES),
]
# The overlap datasets also contain rollouts of the other tasks' policies, so sharing can pay off.
_SCARCE = scarce(_WHOLE[-1], kept="jump")
_SINGLE = single(_WHOLE[0], "run-backward", name="walker2d-single")
SUITES = {suite.name: suite for suite in (*_WHOLE, *_SCARCE, _SINGLE)}
