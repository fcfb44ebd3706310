"""Episodes of a behaviour policy in an environment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Act = Callable[[np.ndarray, np.random.Generator], np.ndarray]
EPISODE_SEEDS = 2**31
# An episode's score from its rewards: the undiscounted return; whether one of 0 and 1 was 1.
EPISODE_SCORE: dict[str, np.ufunc] = {"return": np.add, "success": np.maximum}


@dataclass(frozen=True)
class Behaviour:
    """How episodes are acted.

    begin(rng): the policy of one episode, which may draw what the episode is about and remember
    what it did. It gives float32 actions in [-1, 1]. options: of the environment's reset.
    privileged: it acts on the environment's `state` in the place of what is observed.
    """

    begin: Callable[[np.random.Generator], Act]
    options: dict | None = None
    privileged: bool = False

    def sees(self, env, observation: np.ndarray):
        """What it acts on."""
        return env.unwrapped.state if self.privileged else observation


@dataclass(frozen=True)
class Recipe:
    """A behaviour, and what a dataset that it collects says about it (JSON values)."""

    behaviour: Behaviour
    about: dict


def episode(
    env, behaviour: Behaviour, rng: np.random.Generator, limit: int | None = None
) -> dict[str, np.ndarray]:
    """One episode, or its first `limit` steps, as D4RL's columns, each [length, ...].

    The action that is stored is the one that is executed. Observations are stored in float32, or
    as they are if they are pictures (uint8); rewards and `infos/...` in float64, so that rewards
    recompute exactly. Pictures are kept once: `final_observations` [1, ...] is the last one, and
    every other `next_observations` is the observation of the row after.
    `terminals` marks the task's own end, `timeouts` the time limit or the cut at `limit`.
    """
    seed = int(rng.integers(EPISODE_SEEDS))
    observation, _ = env.reset(seed=seed, options=behaviour.options)
    act = behaviour.begin(rng)
    rows: list[tuple] = []
    done = False
    while not done:
        action = act(behaviour.sees(env, observation), rng)
        following, reward, terminated, truncated, info = env.step(action)
        cut = limit is not None and len(rows) + 1 == limit
        done = terminated or truncated or cut
        timeout = done and not terminated
        rows.append((observation, action, reward, terminated, timeout, following, info))
        observation = following
    observations, actions, rewards, terminals, timeouts, nexts, infos = zip(*rows, strict=True)
    task = env.unwrapped.task
    if task.picture:
        seen = {"observations": np.array(observations), "final_observations": np.array(nexts[-1:])}
    else:
        seen = {
            "observations": np.array(observations, np.float32),
            "next_observations": np.array(nexts, np.float32),
        }
    return seen | {
        "actions": np.array(actions, np.float32),
        "rewards": np.array(rewards, np.float64),
        "terminals": np.array(terminals, bool),
        "timeouts": np.array(timeouts, bool),
        **{
            f"infos/{name}": np.array([info[name] for info in infos], np.float64)
            for name in task.infos
        },
    }


def scores(env, behaviour: Behaviour, rng: np.random.Generator, episodes: int) -> np.ndarray:
    """That many episodes' scores in the metric of the environment's task, [episodes]."""
    reduce = EPISODE_SCORE[env.unwrapped.task.metric].reduce
    return np.array([reduce(episode(env, behaviour, rng)["rewards"]) for _ in range(episodes)])


def executed(action: np.ndarray) -> np.ndarray:
    """What the environment gets and the dataset stores: float32 in [-1, 1]."""
    return np.clip(action, -1.0, 1.0).astype(np.float32)


def stochastic(policy) -> Behaviour:
    """The policy as it collects data: its own Gaussian noise, from the episode's stream."""

    def act(observation, rng):
        return policy.act(observation, rng.standard_normal(policy.actions, np.float32))

    return Behaviour(lambda rng: act)


def uniform(size: int) -> Behaviour:
    """The random policy: uniform on [-1, 1]^size."""

    def act(observation, rng):
        return rng.uniform(-1.0, 1.0, size).astype(np.float32)

    return Behaviour(lambda rng: act)
