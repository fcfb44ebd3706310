"""Suites of your own: each is a folder with a suite.py (docs/adding-a-suite.md leads through one).

The folder's name is the name of the suite and of its domain. suite.py holds `TASKS`, a dictionary
from names to `OwnTask`, and may say whose data these are: `AUTHOR`, `CITATION` and `LICENSE`, which
an export needs. Training and the plan of the workflow read it too, so it may import only
numpy, the standard library, this module and its neighbours; simulators are imported in functions.
`envs.include` makes a suite known.
"""

import ast
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from envs.own_checks import CITED, DATA, FILE, TASK, check, checked
from envs.specs import Columns, Source, Suite, Task, WorldError

ENVIRONMENTS = "envs.own_world"
NAME = r"[a-z][a-z0-9-]{0,63}"
MINARI = "minari:"
# Packages that all readers of suite.py have.
READ_WITHOUT = {"numpy", "envs", *sys.stdlib_module_names}


@dataclass(frozen=True)
class Data:
    """Where a task's data come from, and the gate that they must pass.

    source: "minari:<id>", the path of a Minari dataset's folder, or that of an HDF5 file in D4RL's
        schema; paths are relative to the suite's folder. Or a recipe: a function of a Generator
        that begins an episode and returns its policy, act(observation, generator) -> action.
    transitions: how many are used; of a file, the first ones.
    quality: a word for the data in tables.
    band: the allowed range of their mean normalised score; None allows any.
    relabel: a file's rewards and terminations are replaced by the task's own. Otherwise they must
        agree, so that a slip in `reward` or `terminal` is found.
    """

    source: str | Callable[[np.random.Generator], Callable]
    transitions: int
    quality: str = "own"
    band: tuple[float, float] | None = None
    relabel: bool = False


@dataclass(frozen=True)
class OwnTask:
    """A task as suite.py declares it.

    env: a Gymnasium id, or a function that returns the environment (it is given `render_mode` when
        a film is made). Observations are vectors, and actions lie in [-1, 1].
    reward, terminal: as in `envs.specs.Task`. They may use the columns `observations`, `actions`,
        `next_observations` (float32 [N, ...]) and `infos/<name>` (float64 [N]). They replace what
        the environment says.
    infos: the values of the environment's `info` after a step that they need.
    expert: the score that is 1 after normalising: a number, or a recipe that is rolled out. None
        takes the best episode of the task's file, and 1 for a success rate.
    axes: the names of the first two `infos` with their units, for figures. With fewer than two,
        figures show the first and the last coordinate of the observation.
    """

    env: str | Callable
    reward: Callable[[Columns], np.ndarray]
    terminal: Callable[[Columns], np.ndarray]
    data: Data
    metric: str = "return"
    horizon: int = 1000
    infos: tuple[str, ...] = ()
    expert: float | Callable | None = None
    axes: tuple[str, str] = ("first coordinate", "last coordinate")


@dataclass(frozen=True, kw_only=True)
class KnownTask(Task):
    """A task of an included suite: what stages read of every task, and what was declared."""

    declared: OwnTask
    folder: Path

    @property
    def path(self) -> Path | None:
        """The file or folder of its data; None if they come from a recipe."""
        source = self.declared.data.source
        return None if callable(source) else located(source, self.folder)

    @property
    def files(self) -> list[Path]:
        """Every file of its data. Raises WorldError if there are none or they are in folders."""
        if self.path is None:
            return []
        where, source = f"{self.folder / FILE}: task '{self.name}'", self.declared.data.source
        found = sorted((self.path / "data").glob("*")) if self.path.is_dir() else [self.path]
        if any(file.is_dir() for file in found):
            raise WorldError(
                f"{where}: the Minari dataset at {self.path} is in the format Arrow or Parquet (a "
                "folder per episode); a suite reads Minari's HDF5: `cds-bench import` makes a file "
                "of it, which `source` can name"
            )
        if not found or not all(file.is_file() for file in found):
            name = source.removeprefix(MINARI)
            get = f", or run `minari download {name}`" if name != source else ""
            raise WorldError(
                f"{where}: there are no data at {self.path}; collect them first{get}, or correct "
                "`source`"
            )
        return found


@dataclass(frozen=True)
class OwnSource(Source):
    band: tuple[float, float] | None = None


def located(source: str, folder: Path = Path()) -> Path:
    """The file or folder of "minari:<id>" (where Minari keeps it), or of a path from a folder."""
    if not source.startswith(MINARI):
        return folder / source
    root = os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets"
    return Path(root) / source.removeprefix(MINARI)


def load(folder: Path) -> SimpleNamespace:
    """The domain of a suite's folder, with the constants that `envs` describes.

    Raises WorldError naming file, task and what was expected.
    """
    path, name = folder / FILE, folder.resolve().name
    if not path.is_file():
        raise WorldError(f"{path}: no such file; a suite of your own is a folder with a {FILE}")
    if not re.fullmatch(NAME, name):
        raise WorldError(f"{folder}: '{name}' is no name for a suite; use a-z, 0-9 and -")
    module = _module(path, name)
    declared = getattr(module, "TASKS", None)
    if not isinstance(declared, Mapping) or not declared:
        raise WorldError(f"{path}: TASKS is missing; expected a dictionary from names to OwnTask")
    cited = {key: getattr(module, key) for key in CITED if hasattr(module, key)}
    check(cited, CITED, str(path))
    tasks = {task: _known(path, name, task, own) for task, own in declared.items()}
    first = next(iter(tasks.values()))
    for task, known in tasks.items():
        if set(known.infos) != set(first.infos):
            raise WorldError(
                f"{path}: task '{task}': infos: expected {first.infos} as in '{first.name}', got "
                f"{known.infos}; each task's reward is computed from every task's data"
            )
    sources = {
        task: OwnSource(own.data.quality, own.data.transitions, own.data.band)
        for task, own in declared.items()
    }
    return SimpleNamespace(
        ENVIRONMENTS=ENVIRONMENTS,
        FOLDER=str(folder),
        **cited,
        TASKS=tasks,
        SUITES={name: Suite(name, name, sources)},
    )


def _module(path: Path, name: str) -> ModuleType:
    """Runs suite.py as a package, so that it can import its neighbours: from .world import ..."""
    try:
        for line, package in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            if package not in READ_WITHOUT:
                raise WorldError(
                    f"{path}: line {line}: import {package} inside the function that needs it; the "
                    "plan and training read this file where simulators may be missing"
                )
        spec = importlib.util.spec_from_file_location(
            f"own_suite_{name.replace('-', '_')}",
            path,
            submodule_search_locations=[str(path.parent)],
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except WorldError:
        raise
    except Exception as error:
        raise WorldError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
    return module


def _imports(tree: ast.Module) -> list[tuple[int, str]]:
    """Line and package of every absolute import outside of functions."""
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.partition(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append((node.lineno, node.module.partition(".")[0]))
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def _known(path: Path, suite: str, name: Any, own: Any) -> KnownTask:
    where = f"{path}: task '{name}'"
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise WorldError(f"{where}: expected a name of a-z, 0-9 and -")
    for what, record, kind in (("", own, OwnTask), ("data: ", getattr(own, "data", None), Data)):
        if not isinstance(record, kind):
            got = type(record).__name__
            raise WorldError(f"{where}: {what}expected {kind.__name__}(...), got {got}")
    check(vars(own), TASK, where)
    check(vars(own.data), DATA, f"{where}: data")
    for right, expected in _together(own):
        if not right:
            raise WorldError(f"{where}: {expected}")
    return KnownTask(
        name=name,
        domain=suite,
        env_id=f"cds/{name}-v0",
        metric=own.metric,
        horizon=own.horizon,
        infos=tuple(own.infos),
        axes=tuple(own.axes),
        reward=checked(own.reward, f"{where}: reward", np.float64),
        terminal=checked(own.terminal, f"{where}: terminal", np.bool_),
        declared=own,
        folder=path.parent,
    )


def _together(own: OwnTask) -> Iterator[tuple[bool, str]]:
    """Pairs: whether values fit each other, and what was expected."""
    from_file, success = isinstance(own.data.source, str), own.metric == "success"
    yield (
        from_file or not own.data.relabel,
        "data: relabel: expected False, because a recipe's rewards are the task's own already",
    )
    yield (
        from_file or success or own.expert is not None,
        "expert: expected a number or a recipe, because the data are no file",
    )
    rate = not success or own.expert is None or callable(own.expert) or 0 <= own.expert <= 1
    yield rate, f"expert: expected a success rate from 0 to 1, got {own.expert}"
