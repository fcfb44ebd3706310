"""The records that describe tasks and suites: plain data, without gymnasium or mujoco."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]


class WorldError(Exception):
    """The world can't be built here. The message says what is missing and what to do."""


@dataclass(frozen=True)
class Floor:
    """The floor plan under a task's data, seen from above: x, y in metres."""

    walls: tuple[tuple[float, float], ...]  # centres of squares
    side: float  # of these squares
    goal: tuple[float, float]
    goals: tuple[tuple[float, float], ...]  # of all tasks in this world


# The column that marks the last row of an attempt that was given up. The environment says 0.
GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Task:
    """One task: a reward and a termination on transitions that any policy may have produced.

    `reward` and `terminal` map stored columns, each [N, ...], to [N] (float64 and bool). The
    columns are `actions` and every `infos/<name>` of `infos`. They suffice to recompute both
    exactly, whichever task the transition was collected for. Figures of the data use the first two
    `infos` as axes; `axes` names them with their units. `picture` is the shape of the observation
    if it is a picture, uint8 [height, width, 3], and None otherwise.
    """

    name: str
    domain: str
    env_id: str
    metric: str  # "return": the sum of rewards; "success": whether any reward was 1
    horizon: int
    infos: tuple[str, ...]
    axes: tuple[str, str]
    reward: Callable[[Columns], np.ndarray]
    terminal: Callable[[Columns], np.ndarray]
    policy: str | None = None  # the trained policy behind its data; None if it is scripted
    leaves_ground: bool = False  # whether the environment has the property `airborne`
    floor: Floor | None = None
    picture: tuple[int, int, int] | None = None

    def outcome(self, action: np.ndarray, info: Mapping[str, float]) -> tuple[float, bool]:
        """Reward and termination of one step, from its action [A] and the `info` after it."""
        columns = {f"infos/{name}": np.float64(value)[None] for name, value in info.items()}
        columns["actions"] = np.asarray(action)[None]
        return float(self.reward(columns)[0]), bool(self.terminal(columns)[0])


@dataclass(frozen=True)
class Source:
    """A dataset recipe: the quality of its behaviour and its number of transitions in the paper."""

    quality: str  # names one of the domain's behaviours
    transitions: int


@dataclass(frozen=True)
class Suite:
    """A set of tasks with their dataset recipes. The tasks share their state and action spaces."""

    name: str
    domain: str
    sources: Mapping[str, Source]  # task name -> recipe; the order is the tasks' order everywhere

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.sources)


# Scarce tasks keep one such part of their data.
FRACTIONS = {"tenth": 10, "thirtieth": 30, "hundredth": 100}


def scarce(suite: Suite, kept: str) -> list[Suite]:
    """Variants of a suite in which every task but `kept` has few transitions of its own [ours].

    Each variant is named `<suite>-<fraction>`. A scarce task keeps that fraction of its
    transitions: the first ones of its dataset in the whole suite.
    """
    return [
        replace(
            suite,
            name=f"{suite.name}-{name}",
            sources={
                task: source
                if task == kept
                else replace(source, transitions=source.transitions // divisor)
                for task, source in suite.sources.items()
            },
        )
        for name, divisor in FRACTIONS.items()
    ]


def single(suite: Suite, task: str, name: str) -> Suite:
    """One task of a suite, for checks against learners of one task [ours]: nothing is shared."""
    return replace(suite, name=name, sources={task: suite.sources[task]})


def joined(modules: Mapping[str, ModuleType], name: str) -> dict[str, Any]:
    """Merges a dictionary of every module. Raises ValueError if two modules have the same key."""
    found: dict[str, Any] = {}
    for module in modules.values():
        own = getattr(module, name, {})
        if twice := found.keys() & own.keys():
            raise ValueError(f"{module.__name__}.{name}: another domain also has {min(twice)!r}")
        found |= own
    return found
