"""Reads CSV tables and checks that every column has the expected type and range."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from cds_bench.errors import BenchError, nearest, shown


def read_csv(path: Path | str, origin: str = "run the stage that writes it first") -> pd.DataFrame:
    """A CSV file as pandas reads it. Raises BenchError if pandas can't."""
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file; {origin}") from None
    except OSError as error:
        raise BenchError(f"{path}: not readable ({error.strerror or error})") from None
    except (ValueError, OverflowError, MemoryError) as error:  # pandas' own errors are ValueErrors
        raise BenchError(
            f"{path}: not a CSV table ({error}); delete it to have it made again"
        ) from None


def check_columns(frame: pd.DataFrame, expected: list[str], origin: str) -> None:
    """Raises BenchError for the first missing or unexpected column."""
    for column in expected:
        if column not in frame:
            raise BenchError(
                f"{origin}: column '{column}' is missing; expected {', '.join(expected)}"
            )
    for column in frame:
        if column not in expected:
            raise BenchError(
                f"{origin}: unexpected column '{column}'{nearest(str(column), expected)}"
            )


def refuse(frame: pd.DataFrame, column: str, bad: pd.Series, expected: str, origin: str) -> None:
    """Raises BenchError with the first bad row of a column. Row 1 is below the header.

    The frame's index counts the rows of the file from 0.
    """
    if bad.any():
        row = int(np.argmax(bad))
        value = frame[column].iloc[row]
        got = "nothing (empty or NaN)" if pd.isna(value) else shown(str(value))
        raise BenchError(
            f"{origin}: column '{column}': {int(bad.sum())} values are not {expected} "
            f"(first at row {frame.index[row] + 1}: got {got})"
        )


def integers(frame: pd.DataFrame, column: str, low: int, origin: str) -> pd.Series:
    """A column as int64. All values must be at least `low`."""
    values = pd.to_numeric(frame[column], errors="coerce").astype(float)
    refuse(frame, column, ~np.isfinite(values), "a finite number", origin)
    bad = (values % 1 != 0) | (values < low) | (values > 2**53)
    refuse(frame, column, bad, f"an integer of at least {low}", origin)
    return values.astype(np.int64)


def numbers(
    frame: pd.DataFrame, column: str, origin: str, gaps: bool = False, infinite: bool = False
) -> pd.Series:
    """A column as float64. `gaps` allows NaN, and `infinite` allows infinite values."""
    values = pd.to_numeric(frame[column], errors="coerce").astype(float)
    bad = values.isna() & ~(frame[column].isna() & gaps) | np.isinf(values) & (not infinite)
    refuse(frame, column, bad, "a number" if infinite else "a finite number", origin)
    return values


def one_of(
    frame: pd.DataFrame, column: str, valid: Collection, origin: str, gaps: bool = False
) -> None:
    """Raises BenchError unless every value of a column is valid. `gaps` allows NaN too."""
    bad = ~frame[column].isin(valid) & ~(frame[column].isna() & gaps)
    refuse(frame, column, bad, f"one of {', '.join(map(str, valid))}", origin)
