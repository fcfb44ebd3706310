"""HDF5 files as plain columns and attributes. A file is read or written as a whole."""

import io
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from cds_bench.errors import BenchError
from cds_bench.storage.files import atomic

CHUNK = 32  # pictures


def write(path: Path | str, columns: Mapping[str, np.ndarray], attributes: Mapping) -> None:
    """Writes arrays and attributes atomically; the same content gives the same bytes.

    Pictures (uint8 [N, height, width, channels]) are compressed in chunks of 32.
    The file is made in memory first, because a plain write reports a full disk as an OSError. HDF5
    itself reports it in different ways, depending on which of its buffers it was flushing.
    """
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        for key, column in columns.items():
            how = {}
            if column.ndim == 4:
                chunk = (min(CHUNK, len(column)), *column.shape[1:])
                how = {"chunks": chunk, "compression": "gzip", "compression_opts": 4}
            file.create_dataset(key, data=column, track_times=False, **how)
        for key, value in attributes.items():
            file.attrs[key] = value
    with atomic(path) as temporary:
        temporary.write_bytes(image.getbuffer())


def read(path: Path | str, remedy: str, arrays: bool = True) -> tuple[dict[str, np.ndarray], dict]:
    """Every array by its path inside the file, unless `arrays` is false, and every attribute.

    Raises BenchError, which ends with the remedy, if the file is missing, truncated or otherwise
    unreadable.
    """
    columns: dict[str, np.ndarray] = {}

    def keep(key, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            columns[key] = item[()]

    try:
        with h5py.File(path, "r") as file:
            if arrays:
                file.visititems(keep)
            return columns, dict(file.attrs)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file; run the stage that writes it first") from None
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BenchError(f"{path}: not a readable HDF5 file ({error}); {remedy}") from error
