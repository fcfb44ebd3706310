"""Episodes of a behaviour policy in an environment."""

from collections.abc import Callable

import numpy as np

Act = Callable[[np.ndarray, np.random.Generator], np.ndarray]
EPISODE_SEEDS = 2**31


def episode(
    env, act: Act, rng: np.random.Generator, limit: int | None = None
) -> dict[str, np.ndarray]:
    """One episode, or its first `limit` steps, as D4RL's columns, each [length, ...].

    `act(observation, rng)` gives the float32 action that is both stored and executed. Observations
    are stored in float32; rewards and `infos/...` in float64, so that rewards recompute exactly.
    `terminals` marks the task's own end, `timeouts` the time limit or the cut at `limit`.
    """
    observation, _ = env.reset(seed=int(rng.integers(EPISODE_SEEDS)))
    rows: list[tuple] = []
    done = False
    while not done:
        action = act(observation, rng)
        following, reward, terminated, truncated, info = env.step(action)
        cut = limit is not None and len(rows) + 1 == limit
        done = terminated or truncated or cut
        timeout = done and not terminated
        rows.append((observation, action, reward, terminated, timeout, following, info))
        observation = following
    observations, actions, rewards, terminals, timeouts, nexts, infos = zip(*rows, strict=True)
    return {
        "observations": np.array(observations, np.float32),
        "actions": np.array(actions, np.float32),
        "rewards": np.array(rewards, np.float64),
        "terminals": np.array(terminals, bool),
        "timeouts": np.array(timeouts, bool),
        "next_observations": np.array(nexts, np.float32),
        **{
            f"infos/{name}": np.array([info[name] for info in infos], np.float64)
            for name in env.unwrapped.task.infos
        },
    }


def returns(env, act: Act, rng: np.random.Generator, episodes: int) -> np.ndarray:
    """Undiscounted returns of that many episodes, [episodes]."""
    return np.array([episode(env, act, rng)["rewards"].sum() for _ in range(episodes)])


def stochastic(policy) -> Act:
    """The policy as it collects data: its own Gaussian noise, from the episode's stream."""

    def act(observation, rng):
        return policy.act(observation, rng.standard_normal(policy.log_std.size, np.float32))

    return act


def uniform(size: int) -> Act:
    """The random policy: uniform on [-1, 1]^size."""

    def act(observation, rng):
        return rng.uniform(-1.0, 1.0, size).astype(np.float32)

    return act
