"""The environment of a task of your own: any Gymnasium environment with the task's reward."""

from collections.abc import Mapping
from typing import ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box

import envs
from envs.own import FILE, KnownTask
from envs.own_checks import blamed
from envs.specs import WorldError


class OwnWorld(gymnasium.Env):
    """The declared environment with the reward and termination of the task, from stored columns.

    Where the environment ends an episode that the task does not, the episode is truncated. `info`
    holds the task's `infos`; they are NaN after a reset. `folder` is that of the suite, so that a
    dataset's environment can be made again.
    """

    # Gymnasium reads the class before it makes the world, which has its own modes.
    metadata: ClassVar = {"render_modes": ["human", "rgb_array"]}

    def __init__(self, task: str, folder: str, **kwargs):
        envs.include(folder)
        self.task: KnownTask = envs.TASKS[task]
        self.where = f"{self.task.folder / FILE}: task '{task}'"
        self.world = _world(self.task, self.where, kwargs)
        self.observation_space, self.action_space = _spaces(self.world, self.where)
        self.metadata, self.render_mode = self.world.metadata, self.world.render_mode
        self.seen = np.zeros(0, np.float32)

    def reset(self, *, seed=None, options=None):
        observation, _ = self.world.reset(seed=seed, options=options)
        self.seen = np.asarray(observation, np.float32)
        return observation, dict.fromkeys(self.task.infos, np.nan)

    def step(self, action):
        if np.shape(action) != self.action_space.shape:
            raise WorldError(
                f"{self.where}: an action has the shape {np.shape(action)}, expected "
                f"{self.action_space.shape}; correct the policy or the recipe"
            )
        observation, _, ended, truncated, found = self.world.step(action)
        info = {name: self._value(found, name) for name in self.task.infos}
        following = np.asarray(observation, np.float32)
        columns = {
            "observations": self.seen[None],
            "actions": np.asarray(action, np.float32)[None],
            "next_observations": following[None],
            **{f"infos/{name}": np.float64(value)[None] for name, value in info.items()},
        }
        self.seen = following
        reward, terminated = self.task.reward(columns)[0], bool(self.task.terminal(columns)[0])
        cut = truncated or (ended and not terminated)
        return observation, float(reward), terminated, cut, info

    def _value(self, found: Mapping, name: str) -> float:
        try:
            return float(found[name])
        except (KeyError, TypeError, ValueError):
            raise WorldError(
                f"{self.where}: infos: the environment's info has no number '{name}' after a step "
                f"(it has: {', '.join(found)})"
            ) from None

    def render(self):
        return self.world.render()

    def close(self):
        self.world.close()


def _world(task: KnownTask, where: str, options: dict) -> gymnasium.Env:
    """The declared environment, made with the options: `render_mode` when a film is made."""
    made, where = task.declared.env, f"{where}: env"
    expected = "expected a Gymnasium id, or a function that returns an environment"
    if options:
        expected += f" and takes {', '.join(options)}"
    with blamed(where, expected):
        if callable(made):
            world = made(**options)
        else:
            # The time limit is the task's horizon.
            world = gymnasium.make(made, max_episode_steps=-1, disable_env_checker=True, **options)
    if not isinstance(world, gymnasium.Env):
        raise WorldError(f"{where}: returned {world!r}, expected a gymnasium.Env")
    return world


def _spaces(world: gymnasium.Env, where: str) -> tuple[Box, Box]:
    observation, action = world.observation_space, world.action_space
    if not isinstance(observation, Box) or len(observation.shape) != 1:
        raise WorldError(
            f"{where}: observations are {observation}, expected a vector; wrap the environment in "
            "gymnasium.wrappers.FlattenObservation"
        )
    found = f"{where}: actions are {action}, expected a vector of numbers in [-1, 1]"
    if not isinstance(action, Box) or len(action.shape) != 1 or not action.is_bounded():
        raise WorldError(
            f"{found}; write a gymnasium.ActionWrapper whose action_space is Box(-1, 1, (n,)) and "
            "whose method `action` turns such a vector into an action of the environment"
        )
    if (action.low != -1).any() or (action.high != 1).any():
        raise WorldError(
            f"{found}; wrap the environment in gymnasium.wrappers.RescaleAction(env, -1, 1)"
        )
    return observation, action


def register(task: KnownTask) -> None:
    """Makes a task's environment known to Gymnasium."""
    gymnasium.register(
        id=task.env_id,
        entry_point="envs.own_world:OwnWorld",
        max_episode_steps=task.horizon,
        kwargs={"task": task.name, "folder": str(task.folder)},
    )
