"""The records that describe tasks and suites: plain data, without gymnasium or mujoco."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]


class WorldError(Exception):
    """A world that can't be built here; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Floor:
    """What lies under a task's data, seen from above: x, y in metres."""

    walls: tuple[tuple[float, float], ...]  # centres of squares
    side: float  # of these squares
    goal: tuple[float, float]
    goals: tuple[tuple[float, float], ...]  # of all tasks in this world


@dataclass(frozen=True)
class Task:
    """One task: a reward and a termination on transitions that any policy may have produced.

    `reward` and `terminal` map stored columns, each [N, ...], to [N] (float64 and bool). The
    columns are `actions` and every `infos/<name>` of `infos`; they hold what recomputes both
    exactly, whatever task the transition was collected for. Figures of the data are drawn over the
    first two, which `axes` names with their units. `picture` is the shape of what is observed if
    it is a picture, uint8 [height, width, 3]; it is None where it is a vector.
    """

    name: str
    domain: str
    env_id: str
    metric: str  # "return": the sum of rewards; "success": whether one of them was 1
    horizon: int
    infos: tuple[str, ...]
    axes: tuple[str, str]
    reward: Callable[[Columns], np.ndarray]
    terminal: Callable[[Columns], np.ndarray]
    policy: str | None = None  # the trained policy behind its data; None where it is scripted
    leaves_ground: bool = False  # whether the environment says so, as `airborne`
    floor: Floor | None = None
    picture: tuple[int, int, int] | None = None

    def outcome(self, action: np.ndarray, info: Mapping[str, float]) -> tuple[float, bool]:
        """Reward and termination of one step, of its action [A] and what `info` says after it."""
        columns = {f"infos/{name}": np.float64(value)[None] for name, value in info.items()}
        columns["actions"] = np.asarray(action)[None]
        return float(self.reward(columns)[0]), bool(self.terminal(columns)[0])


@dataclass(frozen=True)
class Source:
    """A dataset recipe: the quality of the behaviour policy and the transitions at paper size."""

    quality: str  # which of the domain's behaviours made it
    transitions: int


@dataclass(frozen=True)
class Suite:
    """A set of tasks, each with the recipe of its dataset. The tasks share one state and action."""

    name: str
    domain: str
    sources: Mapping[str, Source]  # task name -> recipe; the order is the tasks' order everywhere

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.sources)


FRACTIONS = {"tenth": 10, "thirtieth": 30, "hundredth": 100}  # what scarce tasks keep of their data


def scarce(suite: Suite, kept: str) -> list[Suite]:
    """Variants of a suite in which own data are scarce and other tasks' data are not [ours].

    Every task but `kept` has a fraction of its transitions; the variants are named
    `<suite>-<fraction>`. The transitions are the first ones of the whole suite.
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


def joined(modules: Mapping[str, ModuleType], name: str) -> dict[str, Any]:
    """The named dictionaries of all modules as one. Raises ValueError for a key of two of them."""
    found: dict[str, Any] = {}
    for module in modules.values():
        own = getattr(module, name, {})
        if twice := found.keys() & own.keys():
            raise ValueError(f"{module.__name__}.{name}: another domain has {min(twice)!r} as well")
        found |= own
    return found
