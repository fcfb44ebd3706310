"""HDF5 files as plain columns and attributes. Only the requested arrays are read."""

import contextlib
import io
import math
from collections.abc import Collection, Iterator, Mapping
from operator import truediv
from pathlib import Path

import h5py
import numpy as np

from cds_bench.errors import BenchError
from cds_bench.storage.files import atomic

MOST_ATTRIBUTES = 100
CHUNK = 32  # pictures
MOST_DEFLATED = 1032  # times that zlib can shorten anything, by its format


class _Recording(io.FileIO):
    """A file that remembers the system's reason for a failed write, which HDF5 does not pass on."""

    trouble: OSError | None = None

    def write(self, data) -> int:
        left = memoryview(data).cast("B")
        try:
            while len(left):
                left = left[super().write(left) :]
        except OSError as error:
            self.trouble = self.trouble or error
            raise
        return len(data)


def write(path: Path | str, columns: Mapping[str, np.ndarray], attributes: Mapping) -> None:
    """Writes arrays and attributes atomically; the same content gives the same bytes.

    Pictures (uint8 [N, height, width, channels]) are compressed in chunks of 32.
    """
    with atomic(path) as temporary, _Recording(temporary, "w+") as raw:
        try:
            with h5py.File(raw, "w") as file:
                for key, column in columns.items():
                    file.create_dataset(key, data=column, track_times=False, **_stored(column))
                for key, value in attributes.items():
                    file.attrs[key] = value
        except Exception:
            if raw.trouble:
                raise raw.trouble from None
            raise


def _stored(column: np.ndarray) -> dict:
    """How HDF5 stores a column."""
    if np.ndim(column) != 4:
        return {}
    chunk = (min(CHUNK, len(column)), *column.shape[1:])
    return {"chunks": chunk, "compression": "gzip", "compression_opts": 4}


def read(
    path: Path | str, remedy: str, keys: Collection[str] = ()
) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays under these keys, if they exist, and all attributes. "infos/x" is in group infos.

    Raises BenchError, which ends with the remedy, if the file is missing, truncated or otherwise
    unreadable, if it contains links or refers to storage outside it, or if an array declares more
    bytes than the file has.
    """
    with opened(path, remedy) as file:
        found = {key: _array(file, key, Path(path).stat().st_size) for key in keys}
        columns = {key: array[()] for key, array in found.items() if array is not None}
        if len(file.attrs) > MOST_ATTRIBUTES:
            raise ValueError(f"it has {len(file.attrs)} attributes")
        return columns, dict(file.attrs)


def parts(
    path: Path | str, remedy: str, keys: Collection[str], rows: int
) -> Iterator[dict[str, np.ndarray]]:
    """Reads arrays like `read`, but `rows` rows at a time. All of them must exist."""
    with opened(path, remedy) as file:
        arrays = {key: _array(file, key, Path(path).stat().st_size) for key in keys}
        for first in range(0, len(next(iter(arrays.values()))), rows):
            yield {key: array[first : first + rows] for key, array in arrays.items()}


@contextlib.contextmanager
def opened(path: Path | str, remedy: str) -> Iterator[h5py.File]:
    """A file to read. What HDF5 raises inside of the block becomes a BenchError with the remedy."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file; run the stage that writes it first") from None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise BenchError(f"{path}: not a readable HDF5 file ({error}); {remedy}") from error


def located(file: h5py.File, key: str) -> h5py.Dataset | None:
    """The array under a key, or None. Raises ValueError if it is not inside of this file."""
    item = file
    for name in key.split("/"):
        link = item.get(name, getlink=True) if isinstance(item, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"key '{key}' is a link to another place")
        item = item[name]
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        return None
    if item.external or item.is_virtual:
        raise ValueError(f"key '{key}' is stored outside of the file")
    return item


def _array(file: h5py.File, key: str, size: int) -> h5py.Dataset | None:
    """The array under a key, or None. Raises ValueError if `write` can't have written it."""
    if (item := located(file, key)) is None:
        return None
    if item.dtype.hasobject:
        raise ValueError(f"key '{key}' holds no numbers")
    declared = math.prod(item.shape) * item.dtype.itemsize
    if item.compression == "gzip" and item.ndim == 4:  # pictures
        size = min(size, item.id.get_storage_size()) * MOST_DEFLATED
    if declared > size:
        raise ValueError(f"key '{key}' declares {declared:,} bytes, but the file has {size:,}")
    if item.chunks:
        expected = math.prod(map(math.ceil, map(truediv, item.shape, item.chunks)))
        if (found := item.id.get_num_chunks()) != expected:
            raise ValueError(f"key '{key}' has {found} of its {expected} chunks")
    return item
