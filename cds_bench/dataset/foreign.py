"""Checks of other projects' columns, before anything is computed from them. They raise Fault."""

from collections.abc import Mapping

import numpy as np

from cds_bench.dataset import check
from cds_bench.dataset.check import Fault
from cds_bench.dataset.store import FINAL

NEEDED = ("observations", "actions", "rewards", "terminals")
OPTIONAL = ("timeouts", "next_observations")
SEEN = ("observations", "next_observations", FINAL)
FLAGS = ("terminals", "timeouts")
NUMBERS = "biuf"  # NumPy's kinds of truth values, integers and floating-point numbers
Columns = dict[str, np.ndarray]


def is_picture(column) -> bool:
    """Whether a column holds pictures, uint8 [N, height, width, channels]."""
    return column.dtype == np.uint8 and len(column.shape) == 4


def is_info(column) -> bool:
    """Whether a column holds a number per step, which is what is kept of `infos`."""
    return len(column.shape) == 1 and column.dtype.kind in NUMBERS


def check_shape(key: str, column) -> None:
    """Raises Fault unless a column holds numbers in a shape of the schema.

    It needs the type and the shape only, so `column` may be an array that is still in its file.
    """
    if column.dtype.kind not in NUMBERS:
        raise Fault(f"{key} has type {column.dtype}, expected numbers")
    shape, expected = column.shape, "[N]"
    right = len(shape) == 1
    if key in ("rewards", *FLAGS):
        right, expected = right or (len(shape) == 2 and shape[1] == 1), "[N] or [N, 1]"
    elif key == "actions":
        right, expected = len(shape) == 2 and shape[1] > 0, "[N, W] with W > 0"
    elif key in SEEN:
        right = (len(shape) == 2 or is_picture(column)) and 0 not in shape[1:]
        expected = "[N, W] with W > 0, or uint8 [N, height, width, channels]"
    if not right:
        raise Fault(f"{key} has shape {shape} and type {column.dtype}, expected {expected}")


def check_columns(columns: Mapping[str, np.ndarray]) -> None:
    """Raises Fault for a key that is missing, and for columns that do not fit each other."""
    for key in NEEDED:
        if key not in columns:
            raise Fault(f"key '{key}' is missing (found: {', '.join(sorted(columns)) or 'none'})")
    for key, column in columns.items():
        check_shape(key, column)
    lengths = {key: len(column) for key, column in columns.items() if key != FINAL}
    if len(set(lengths.values())) > 1 or not lengths["rewards"]:
        raise Fault(f"the columns have different or no lengths: {lengths}")
    if is_picture(columns["observations"]):
        _check_keys_of_pictures(columns)
    expected = columns["observations"].shape[1:]
    for key in SEEN:
        if key in columns and (found := columns[key].shape[1:]) != expected:
            raise Fault(f"a row of {key} has shape {found}, but one of observations has {expected}")
    for key in FLAGS:
        if key in columns:
            check.none((columns[key] != 0) & (columns[key] != 1), key, "neither 0 nor 1")


def _check_keys_of_pictures(columns: Mapping[str, np.ndarray]) -> None:
    if not {FINAL, "timeouts"} <= columns.keys() or "next_observations" in columns:
        raise Fault(
            f"observations are pictures, so the keys 'timeouts' and '{FINAL}' are expected (the "
            "picture after each episode's last row), and no 'next_observations' (found: "
            f"{', '.join(sorted(columns))})"
        )


def typed(columns: Columns) -> Columns:
    """The columns in the types of the schema, in the order of their names.

    The last row of an episode is terminal or a timeout, never both, and the last row of all is one.
    Raises Fault for a value that is not finite, and unless each episode of pictures has a last one.
    """
    with np.errstate(over="ignore"):  # it becomes infinite, which is refused
        found = {key: _typed(key, column) for key, column in sorted(columns.items())}
    found["timeouts"] &= ~found["terminals"]
    found["timeouts"][-1:] |= ~found["terminals"][-1:]
    check.finite(found)
    episodes = np.count_nonzero(found["terminals"] | found["timeouts"])
    if FINAL in found and len(found[FINAL]) != episodes:
        raise Fault(f"{FINAL} has {len(found[FINAL])} rows, but there are {episodes} episodes")
    return found


def _typed(key: str, column: np.ndarray) -> np.ndarray:
    if is_picture(column):
        return column
    if key in FLAGS:
        return column.reshape(-1).astype(np.bool_)
    vectors = key in (*SEEN, "actions")
    return column.astype(np.float32) if vectors else column.reshape(-1).astype(np.float64)
