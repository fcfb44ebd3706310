"""Suites of one's own for tests: they are written to a folder, and forgotten after the test."""

import contextlib
import sys
from pathlib import Path

import envs

POINT = '''"""A pendulum-like toy on a line: one file, no simulator."""

import numpy as np

from envs.own import Data, OwnTask


def make(**options):
    import gymnasium

    class Line(gymnasium.Env):
        """x' = x + a / 10, which ends beyond 1; info has x'."""

        observation_space = gymnasium.spaces.Box(-10, 10, (2,))
        action_space = gymnasium.spaces.Box(-1, 1, (1,))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.x = self.np_random.uniform(-0.5, 0.5)
            return np.array([self.x, 1.0]), {}

        def step(self, action):
            self.x += float(action[0]) / 10
            return np.array([self.x, 1.0]), 99.0, abs(self.x) > 1, False, {"x": self.x, "name": "x"}

    return Line()


def push(force):
    return lambda rng: lambda observation, rng: np.array([force])


def right(columns):
    return columns["infos/x"]


def beyond(columns):
    return columns["infos/x"] > 1.0


def task(reward, data, **more):
    return OwnTask(
        env=make, reward=reward, terminal=beyond, infos=("x",), horizon=30, data=data, **more
    )


TASKS = {
    "line-right": task(right, DATA_RIGHT, expert=push(1.0)),
    "line-left": task(lambda columns: -columns["infos/x"], DATA_LEFT, expert=push(-1.0)),
}
'''
RECIPE = "Data(push(0.3), transitions=100)"


def point(right: str = RECIPE, left: str = RECIPE) -> str:
    """The text of a suite.py; the arguments say where the tasks' data are."""
    return POINT.replace("DATA_RIGHT", right).replace("DATA_LEFT", left)


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.py").write_text(text)
    return folder


@contextlib.contextmanager
def forgotten():
    """What is included inside is unknown again afterwards, to Gymnasium too."""
    import gymnasium

    registries = (envs.DOMAINS, envs.TASKS, envs.SUITES, gymnasium.registry)
    before = [dict(registry) for registry in registries]
    try:
        yield
    finally:
        for registry, kept in zip(registries, before, strict=True):
            for name in [name for name in registry if name not in kept]:
                del registry[name]
        for name in [name for name in sys.modules if name.startswith("own_suite_")]:
            del sys.modules[name]
