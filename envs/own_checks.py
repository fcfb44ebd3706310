"""Checks of what suite.py declares, and plain errors for what its functions do wrong."""

import math
import reprlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from envs.specs import Columns, WorldError

FILE = "suite.py"
Expected = Mapping[str, tuple[Callable[[Any], bool], str]]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    """Whether it is a tuple or list of different texts; one text is none, though it has letters."""
    return isinstance(value, tuple | list) and all(map(_text, value)) and _distinct(value)


def _distinct(values: tuple | list) -> bool:
    return len(set(values)) == len(values)


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _band(value: Any) -> bool:
    pair = isinstance(value, tuple | list) and len(value) == 2 and all(map(_number, value))
    return pair and value[0] <= value[1]


# What each key of a record must be: a test, and its description.
DATA: Expected = {
    "source": (lambda value: _text(value) or callable(value), "text or a recipe (a function)"),
    "transitions": (_count, "how many to use, at least 1"),
    "quality": (_text, 'a word for the data, like "noisy"'),
    "band": (lambda value: value is None or _band(value), "(low, high) or None"),
    "relabel": (lambda value: isinstance(value, bool), "True or False"),
}
TASK: Expected = {
    "env": (lambda value: _text(value) or callable(value), "a Gymnasium id or a function"),
    "reward": (callable, "a function of columns"),
    "terminal": (callable, "a function of columns"),
    "metric": (
        lambda value: isinstance(value, str) and value in ("return", "success"),
        "'return' or 'success'",
    ),
    "horizon": (_count, "a number of steps, at least 1"),
    "infos": (_texts, 'a tuple of different names, like ("x_velocity",)'),
    "expert": (
        lambda value: value is None or _number(value) or callable(value),
        "a number, a recipe (a function) or None",
    ),
    "axes": (lambda value: _texts(value) and len(value) == 2, 'two names, like ("x [m]", "y [m]")'),
}
CITED: Expected = {
    "AUTHOR": (_text, 'who made the data, like "A. Jones"'),
    "CITATION": (_text, "how to cite the data, as text"),
    "LICENSE": (_text, 'the data\'s licence, like "https://spdx.org/licenses/CC-BY-4.0.html"'),
}


def check(values: Mapping[str, Any], expected: Expected, where: str) -> None:
    """Raises WorldError for the first of the values that is not as expected."""
    for key in [key for key in expected if key in values]:
        right, description = expected[key]
        if not right(values[key]):
            raise WorldError(
                f"{where}: {key}: expected {description}, got {reprlib.repr(values[key])}"
            )


@contextmanager
def blamed(where: str, remedy: str = f"correct it in {FILE}") -> Iterator[None]:
    """Turns an exception of the suite's own code into a WorldError with the line in suite.py."""
    try:
        yield
    except WorldError:
        raise
    except Exception as error:  # the code may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).name == FILE]
        line = f" (line {lines[-1]})" if lines else ""
        raise WorldError(f"{where}{line}: {type(error).__name__}: {error}; {remedy}") from error


def checked(function: Callable, where: str, dtype: type) -> Callable[[Columns], np.ndarray]:
    """The function with plain errors for a missing column, its own mistakes and a wrong result."""

    def of(columns: Columns) -> np.ndarray:
        with blamed(where):
            try:
                values = np.asarray(function(columns))
            except KeyError as error:
                raise WorldError(
                    f"{where}: the column {error} is not stored (there are "
                    f"{', '.join(sorted(columns))}); name values of `info` in the task's `infos`"
                ) from None
            rows = len(columns["actions"])
            if values.shape != (rows,):
                raise WorldError(
                    f"{where}: returned the shape {values.shape} for {rows} transitions, expected "
                    f"({rows},): one value per row"
                )
            return values.astype(dtype)

    return of
