"""Returns-to-go of every transition under every task's reward."""

import numpy as np


def returns_to_go(
    rewards: np.ndarray,
    terminals: np.ndarray,
    ends: np.ndarray,
    discount: float,
    after: float = 0.0,
) -> np.ndarray:
    """Monte Carlo returns of whole episodes, float32 [N, T].

    G_t = r_t + discount (1 - d_t) G_{t+1} within an episode. At its last row, `after` stands for
    G_{t+1}. d_t is the terminal of the column's task. The return of that task ends there, even if
    the episode goes on.
    rewards, terminals (0 or 1): [N, T]; ends: bool [N], whether a row is the last of its episode.
    The rows of an episode are consecutive, and the last row of all must be an end. Sums are
    computed in float64.

    By default no reward follows an episode that was cut. This undervalues the last
    1 / (1 - discount) steps before a timeout. Where an episode ends with the success of its own
    task, it is cut for every other task, so other tasks' data are undervalued more.
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
