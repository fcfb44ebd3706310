"""Checks of columns read from a file. They raise Fault, which names the problem and the row.

This module needs numpy only, because the pool and the datasets are checked with the same functions
and training reads the pool.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cds_bench.errors import BenchError


class Fault(Exception):
    """A problem inside a file. `blame` adds the file's name and the remedy."""


@contextlib.contextmanager
def blame(path: Path | str, remedy: str) -> Iterator[None]:
    """Turns a Fault into a BenchError that names the file and says what to do."""
    try:
        yield
    except Fault as fault:
        raise BenchError(f"{path}: {fault}; {remedy}") from None


def none(bad: np.ndarray, subject: str, trouble: str) -> None:
    """Raises '12 rewards are NaN (first at row 4711)' if any row of bad [N, ...] is set."""
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(1))
    if rows.size:
        count = f"{rows.size} {subject} are" if rows.size > 1 else f"1 row of {subject} is"
        raise Fault(f"{count} {trouble} (first at row {rows[0]})")


def finite(columns: Mapping[str, np.ndarray]) -> None:
    """Raises Fault unless every floating-point column is finite."""
    for key, column in columns.items():
        if np.issubdtype(column.dtype, np.floating):
            none(np.isnan(column), key, "NaN")
            none(np.isinf(column), key, "infinite")


def actions_bounded(actions: np.ndarray) -> None:
    """Raises Fault unless every action lies in [-1, 1]."""
    none((actions < -1.0) | (actions > 1.0), "actions", "outside [-1, 1]")


def layout(columns: Mapping[str, np.ndarray], expected: Mapping[str, tuple[type, int]]) -> None:
    """Raises Fault unless the columns match `expected`, key -> (dtype, dimensions).

    They must also have the same number of rows, at least one.
    """
    for key, (dtype, dimensions) in expected.items():
        if key not in columns:
            raise Fault(f"key '{key}' is missing (found: {', '.join(sorted(columns))})")
        column = columns[key]
        if column.dtype != dtype:
            raise Fault(f"{key} has dtype {column.dtype}, expected {np.dtype(dtype)}")
        if column.ndim != dimensions:
            raise Fault(f"{key} has shape {column.shape}, expected {dimensions} dimensions")
    rows = {key: len(columns[key]) for key in expected}
    first = next(iter(rows))
    if not rows[first]:
        raise Fault(f"{first} has no rows")
    for key, count in rows.items():
        if count != rows[first]:
            raise Fault(f"{key} has {count} rows, but {first} has {rows[first]}")


def same_width(columns: Mapping[str, np.ndarray], key: str, other: str) -> None:
    """Raises Fault unless two columns [N, W] have the same W."""
    if columns[key].shape[1] != columns[other].shape[1]:
        raise Fault(f"{key} has shape {columns[key].shape}, but {other} has {columns[other].shape}")


def pictures(columns: Mapping, keys: tuple[str, ...], expected: tuple[int, int, int]) -> None:
    """These columns hold pictures of the expected height, width and channels."""
    for key in keys:
        if columns[key].shape[1:] != expected:
            raise Fault(f"{key} has pictures of {columns[key].shape[1:]}, expected {expected}")


def attribute(attributes: Mapping, key: str, expected=None):
    """An attribute's value as plain Python. Raises Fault if it differs from a given `expected`."""
    if key not in attributes:
        raise Fault(f"attribute '{key}' is missing")
    value = attributes[key]
    if not np.isscalar(value):
        raise Fault(f"attribute '{key}' is not a single value")
    value = value.item() if isinstance(value, np.generic) else value
    if expected is not None and value != expected:
        raise Fault(f"attribute '{key}' is {value!r}, expected {expected!r}")
    return value
