"""Behaviour in suites of your own: the recipes that suite.py declares."""

from collections.abc import Callable

import numpy as np

import envs
from cds_bench.behaviour.rollout import Behaviour, Recipe, executed
from cds_bench.config import Config
from cds_bench.errors import BenchError
from envs.own import FILE
from envs.own_checks import blamed

EXPERT = "expert"
REFERENCE = "behaviour"  # any quality but `expert` stands for the recipe of the task's data


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The recipe of a task's data, or that of its expert, if it declares one.

    Raises BenchError if it is none, because the data come from a file or the expert is a number.
    """
    known = envs.TASKS[task]
    declared = known.declared
    expert = quality == EXPERT and (callable(declared.expert) or not callable(declared.data.source))
    begin = declared.expert if expert else declared.data.source
    if not callable(begin):
        what = "expert" if expert else "data.source"
        raise BenchError(
            f"{known.folder / FILE}: task '{task}': {what} is no recipe, so nothing can be rolled "
            "out; use random or a trained policy, or declare a function"
        )
    where = f"{known.folder / FILE}: task '{task}': {'expert' if expert else 'data: source'}"
    return [Recipe(Behaviour(bounded(begin, where)), {"policy": f"the recipe in {FILE}"})]


def bounded(begin: Callable, where: str) -> Callable:
    """The recipe with actions as they are executed and stored: float32 in [-1, 1].

    Mistakes in it raise a WorldError that says where they are.
    """

    def begins(rng: np.random.Generator):
        with blamed(where):
            act = begin(rng)

        def acts(observation, rng):
            with blamed(where):
                return executed(np.asarray(act(observation, rng)))

        return acts

    return begins
