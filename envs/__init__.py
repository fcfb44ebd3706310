"""Worlds, tasks and rewards: numpy, gymnasium and mujoco only.

A domain is a module of this folder with `SUITES`; the module's name is the domain's name. It holds

    TASKS          name -> Task
    SUITES         name -> Suite
    ENVIRONMENTS   the module whose import registers the tasks' environments
    BANDS          quality of data -> allowed range of its mean normalised score. For returns, 0 is
                   the random policy and 1 the expert; for success, the score is the success rate.
    POLICIES       trained behaviour policy -> how its training differs from the default settings;
                   not needed if the behaviour is scripted

A module with `SKILLS` (name -> Task) describes tasks that only behaviour policies learn. They
belong to no suite. Importing this package reads the descriptions only; `make` imports gymnasium
and mujoco when it is called. `include` adds a suite of your own, a folder with a suite.py
(`envs.own`).
"""

import importlib
import re
from pathlib import Path
from types import ModuleType

from envs import own
from envs.specs import Columns, Source, Suite, Task, WorldError, joined

__all__ = [
    "BANDS", "DOMAINS", "POLICIES", "SKILLS", "SUITES", "TASKS",
    "Columns", "Source", "Suite", "Task", "WorldError", "include", "make", "own_folder",
]  # fmt: skip


def _holding(constant: str) -> dict[str, ModuleType]:
    """This folder's modules with a constant, by name. Others may need a simulator: not imported."""
    found = Path(__file__).parent.glob("[!_]*.py")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in found}
    names = sorted(name for name, text in texts.items() if re.search(rf"^{constant}\b", text, re.M))
    return {name: importlib.import_module(f"envs.{name}") for name in names}


DOMAINS = _holding("SUITES")
TASKS: dict[str, Task] = joined(DOMAINS, "TASKS")
SUITES: dict[str, Suite] = joined(DOMAINS, "SUITES")
SKILLS: dict[str, Task] = joined(_holding("SKILLS"), "SKILLS")
POLICIES: dict[str, dict] = dict(sorted(joined(DOMAINS, "POLICIES").items()))
# Every domain collects `random` data in the same way.
BANDS: dict[str, tuple[float, float]] = {"random": (-0.05, 0.05)} | joined(DOMAINS, "BANDS")


def make(task: str, **kwargs):
    """The Gymnasium environment of a task or skill, with its time limit.

    `kwargs` are passed to gymnasium.make. Raises WorldError if the world can't be built.
    """
    import gymnasium

    described = (TASKS | SKILLS)[task]
    worlds = importlib.import_module(DOMAINS[described.domain].ENVIRONMENTS)
    if isinstance(described, own.KnownTask) and described.env_id not in gymnasium.registry:
        worlds.register(described)
    return gymnasium.make(described.env_id, disable_env_checker=True, **kwargs)


def own_folder(domain: str) -> str | None:
    """The folder of a suite of your own, whose domain has its name; None for other domains."""
    return getattr(DOMAINS.get(domain), "FOLDER", None)


def include(folder: str | Path) -> None:
    """Makes the suite of a folder known, with its tasks. A second call for it does nothing.

    Raises WorldError if suite.py is wrong (`envs.own`), or if a name is taken already.
    """
    name = Path(folder).resolve().name
    known = own_folder(name)
    if known and Path(known).resolve() == Path(folder).resolve():
        return
    found = own.load(Path(folder))
    for kind, ours, theirs in (("suite", SUITES, found.SUITES), ("task", TASKS, found.TASKS)):
        if twice := ours.keys() & theirs.keys():
            raise WorldError(
                f"{folder}: there is a {kind} '{min(twice)}' already; choose another name"
            )
    DOMAINS[name] = found
    TASKS.update(found.TASKS)
    SUITES.update(found.SUITES)
