"""Rollouts of behaviour policies in an environment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.specs import GIVEN_UP

Act = Callable[[np.ndarray, np.random.Generator], np.ndarray | None]
EPISODE_SEEDS = 2**31
# How a score is computed from an episode's rewards: as the undiscounted return, or as 1 if any of
# the rewards, which are 0 or 1, is 1.
EPISODE_SCORE: dict[str, np.ufunc] = {"return": np.add, "success": np.maximum}


@dataclass(frozen=True)
class Behaviour:
    """How an agent acts in episodes.

    begin(rng): the policy of one episode. It may draw the purpose of the episode from rng and
    remember what it did. Its actions are float32 in [-1, 1]. After its first action it may return
    None: it gives up (`episode`). options: those of the environment's reset.
    privileged: it acts on the environment's `state` instead of the observation.
    """

    begin: Callable[[np.random.Generator], Act]
    options: dict | None = None
    privileged: bool = False

    def sees(self, env, observation: np.ndarray):
        """What it acts on."""
        return env.unwrapped.state if self.privileged else observation


@dataclass(frozen=True)
class Recipe:
    """A behaviour, and its description in the datasets that it collects (JSON values)."""

    behaviour: Behaviour
    about: dict


def episode(
    env, behaviour: Behaviour, rng: np.random.Generator, limit: int | None = None
) -> dict[str, np.ndarray]:
    """One episode, or its first `limit` steps, as D4RL's columns, each [length, ...].

    The stored action is the executed one. Observations are float32, or uint8 if they are pictures.
    Rewards and `infos/...` are float64, so that rewards can be recomputed exactly. `terminals`
    marks the task's own termination, `timeouts` the time limit or the cut at `limit`. If the
    behaviour gives up, the last row is terminal, and its `infos/given_up` is 1. Pictures are
    kept once: `final_observations` [1, ...] is the last one, and the next observation of any other
    row is the observation of the next row.
    """
    seed = int(rng.integers(EPISODE_SEEDS))
    observation, _ = env.reset(seed=seed, options=behaviour.options)
    act = behaviour.begin(rng)
    rows: list[tuple] = []
    done = False
    while not done:
        action = act(behaviour.sees(env, observation), rng)
        if action is None:
            rows[-1] = _given_up(*rows[-1])
            break
        following, reward, terminated, truncated, info = env.step(action)
        rows.append((observation, action, reward, terminated, following, info))
        done = terminated or truncated or len(rows) == limit
        observation = following
    observations, actions, rewards, terminals, nexts, infos = zip(*rows, strict=True)
    timeouts = np.zeros(len(rows), bool)
    timeouts[-1] = not terminals[-1]
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
        "timeouts": timeouts,
        **{
            f"infos/{name}": np.array([info[name] for info in infos], np.float64)
            for name in task.infos
        },
    }


def _given_up(observation, action, reward, terminated, following, info) -> tuple:
    """The last row of an episode whose behaviour gives up: nothing comes after it."""
    return observation, action, reward, True, following, info | {GIVEN_UP: 1.0}


def scores(env, behaviour: Behaviour, rng: np.random.Generator, episodes: int) -> np.ndarray:
    """The scores of `episodes` episodes in the metric of the environment's task, [episodes]."""
    reduce = EPISODE_SCORE[env.unwrapped.task.metric].reduce
    return np.array([reduce(episode(env, behaviour, rng)["rewards"]) for _ in range(episodes)])


def executed(action: np.ndarray) -> np.ndarray:
    """The action that the environment gets and the dataset stores: float32 in [-1, 1]."""
    return np.clip(action, -1.0, 1.0).astype(np.float32)


def stochastic(policy) -> Behaviour:
    """The policy with its own Gaussian noise from the episode's stream, as it collects data."""

    def act(observation, rng):
        return policy.act(observation, rng.standard_normal(policy.actions, np.float32))

    return Behaviour(lambda rng: act)


def uniform(size: int) -> Behaviour:
    """The random policy: uniform on [-1, 1]^size."""

    def act(observation, rng):
        return rng.uniform(-1.0, 1.0, size).astype(np.float32)

    return Behaviour(lambda rng: act)
