"""Turns pydantic's errors into this project's error messages."""

from typing import Annotated, Any, get_args, get_origin

import pydantic

from cds_bench.config.profile import Config
from cds_bench.config.sections import LEARNERS
from cds_bench.errors import LONGEST_VALUE, BenchError, nearest, shown


def refusal(error: pydantic.ValidationError, prefix: str) -> BenchError:
    """A BenchError with a line for each problem that pydantic found."""
    return BenchError("\n".join(prefix + _explain(problem) for problem in error.errors()))


def _explain(problem: dict) -> str:
    """One pydantic error as a sentence. For an unknown key, it suggests the nearest valid one."""
    # A learner's name in the location only tells which section pydantic chose.
    *parents, key = [part for part in problem["loc"] if part not in LEARNERS] or [""]
    where = ".".join(map(str, (*parents, key)))
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']} (got {shown(problem['input'])})"
    model: Any = Config
    for parent in parents:
        by_name = get_origin(model) is dict  # name -> section
        model = get_args(model)[1] if by_name else model.model_fields[parent].annotation
    if get_origin(model) is Annotated:
        model = next(LEARNERS[part] for part in problem["loc"] if part in LEARNERS)
    prefix = ".".join(map(str, parents))
    prefix = f"{prefix}: " if prefix else ""
    return f"{prefix}unknown key '{str(key)[:LONGEST_VALUE]}'{nearest(key, model.model_fields)}"
