"""Returns-to-go: what was still to come after each transition, under every task's reward."""

import numpy as np


def returns_to_go(
    rewards: np.ndarray,
    terminals: np.ndarray,
    ends: np.ndarray,
    discount: float,
    after: float = 0.0,
) -> np.ndarray:
    """Monte Carlo returns of whole episodes, float32 [N, T].

    G_t = r_t + discount (1 - d_t) G_{t+1} within an episode; `after` stands for G_{t+1} at its last
    row. d_t is the terminal of the column's task, at which its return ends though the episode may
    go on.
    rewards, terminals (0 or 1): [N, T]; ends: bool [N], the last row of each episode, whose rows
    are consecutive; the last row of all is an end. The sums are made in float64.

    By default nothing follows an episode that was cut. This undervalues the last 1 / (1 - discount)
    steps before a timeout, alike for a task's own data and for other tasks' data.
    """
    last = np.flatnonzero(ends)
    lengths = np.diff(last, prepend=-1)
    order = np.argsort(-lengths, kind="stable")  # the longest episodes first
    last, lengths = last[order], lengths[order]
    returns = np.empty(rewards.shape, np.float32)
    following = np.full((len(last), rewards.shape[1]), after)
    for back in range(lengths[0]):
        last = last[: np.searchsorted(-lengths, -back)]  # the episodes with more than `back` steps
        rows = last - back
        continues = discount * (1.0 - terminals[rows])
        following = rewards[rows] + continues * following[: len(rows)]
        returns[rows] = following
    return returns
