"""Random transitions. The cost of training does not depend on their meaning."""

import numpy as np

EPISODE = 1000  # rows per episode, of which the last is a terminal


def transitions(rows: int, observation: int, action: int, tasks: int) -> dict[str, np.ndarray]:
    """Float32 arrays of one long trajectory. The same arguments give the same numbers.

    observations, next_observations [rows, observation], actions [rows, action] within (-1, 1),
    rewards, terminals [rows, tasks].
    """
    rng = np.random.default_rng(0)
    path = rng.standard_normal((rows + 1, observation), dtype=np.float32)
    terminals = (np.arange(rows) % EPISODE == EPISODE - 1).astype(np.float32)
    return {
        "observations": path[:-1],
        "next_observations": path[1:].copy(),
        "actions": 2.0 * rng.random((rows, action), dtype=np.float32) - 1.0,
        "rewards": rng.standard_normal((rows, tasks), dtype=np.float32),
        "terminals": np.repeat(terminals[:, None], tasks, axis=1),
    }
