"""Reads other projects' datasets, D4RL's HDF5 files and Minari's datasets, as D4RL's columns.

The columns are those of `store`, with every value of `infos` that is one number per step:
observations, actions and next_observations float32, rewards and infos float64, terminals and
timeouts bool. A row that continues to the next one has that one's observation as its next
observation. Pictures are uint8, and `final_observations` stands for `next_observations`.
"""

from pathlib import Path

import h5py
import numpy as np

from cds_bench.dataset import check, foreign, hdf5, minari_data
from cds_bench.dataset.check import Fault
from cds_bench.dataset.foreign import NEEDED, OPTIONAL, Columns
from cds_bench.dataset.store import FINAL
from cds_bench.errors import BenchError
from envs.own import MINARI, located

REMEDY = "correct the path, or make the file again"
MOST_PACKED = 100  # times that compression may shrink a file; pictures: as in `hdf5`


def read(path: Path) -> tuple[Columns, bool]:
    """A dataset's columns, and whether its rewards were stored as float32.

    `path` is an HDF5 file in D4RL's schema or a Minari dataset's folder. Raises BenchError naming
    file, column and row for what is missing, of another shape, or not a number.
    """
    columns, rough, _ = _read(path)
    return columns, rough


def convert(source: str, output: Path) -> str:
    """Writes a dataset that another project made as D4RL's HDF5. Returns a description.

    Raises BenchError, and writes nothing, if the output exists or `read` refuses the source.
    """
    if output.exists():
        raise BenchError(f"{output}: is there already; delete it or name another file")
    path = located(source)
    if source.startswith(MINARI) and not path.exists():
        name = source.removeprefix(MINARI)
        raise BenchError(
            f"{path}: no such folder; run `minari download {name}`, which needs the package "
            "huggingface_hub, or correct the id"
        )
    columns, _, left_out = _read(path)
    hdf5.write(output, columns, {"source": source})
    return f"{output}: {_described(columns)}; left out: {', '.join(left_out) or 'nothing'}"


def first(columns: Columns, size: int) -> Columns:
    """The first `size` transitions, of vectors. If the last episode continues, it is cut."""
    kept = {key: column[:size].copy() for key, column in columns.items()}
    kept["timeouts"][-1] |= ~kept["terminals"][-1]
    return kept


def _read(path: Path) -> tuple[Columns, bool, list[str]]:
    """What `read` returns, and the names of what the dataset holds beside these columns."""
    if not path.exists():
        raise BenchError(f"{path}: no such file or folder; {REMEDY}")
    columns, left_out = minari_data.read(path, REMEDY) if path.is_dir() else _d4rl(path)
    with check.blame(path, REMEDY):
        return foreign.typed(columns), columns["rewards"].dtype == np.float32, left_out


def _described(columns: Columns) -> str:
    rows, ends = len(columns["rewards"]), columns["terminals"] | columns["timeouts"]
    shapes = ", ".join(
        f"{key} {' x '.join(map(str, columns[key].shape[1:]))}"
        for key in ("observations", "actions")
    )
    infos = ", ".join(key for key in columns if key.startswith("infos/")) or "no infos"
    mean = columns["rewards"].sum() / ends.sum()
    return (
        f"{rows:,} transitions in {ends.sum():,} episodes, mean return {mean:.4g}; "
        f"{shapes}, {infos}; largest |action| {np.abs(columns['actions']).max():.4g}"
    )


def _d4rl(path: Path) -> tuple[Columns, list[str]]:
    """The columns of an HDF5 file in D4RL's schema, and the names of what else it holds.

    Older files have no `next_observations`. The next row's observation stands for it then. The last
    row of an episode that was cut is left out, as in d4rl.qlearning_dataset; that of an episode
    that ended keeps its own observation, because nothing follows it [ours].
    """
    with check.blame(path, REMEDY):
        columns, left_out = _stored(path)
        foreign.check_columns(columns)
        if "timeouts" not in columns:
            columns["timeouts"] = _breaks(columns)
        if "next_observations" not in columns and FINAL not in columns:
            rows = len(columns["rewards"])
            columns = _followed(columns)
            if cut := rows - len(columns["rewards"]):
                left_out.append(f"the last rows of {cut} cut episodes (no next observation)")
    return columns, left_out


def _breaks(columns: Columns) -> np.ndarray:
    """Where a row's next observation is not the next row's observation, bool [N]."""
    if "next_observations" not in columns:
        raise Fault("the keys 'timeouts' and 'next_observations' are missing; one is needed")
    differ = (columns["next_observations"][:-1] != columns["observations"][1:]).any(1)
    return np.append(differ, True)


def _followed(columns: Columns) -> Columns:
    """The rows whose next observation is known, with it."""
    terminals = columns["terminals"].reshape(-1).astype(bool)
    following = np.roll(columns["observations"], -1, axis=0)
    following[terminals] = columns["observations"][terminals]
    kept = terminals | ~columns["timeouts"].reshape(-1).astype(bool)
    kept[-1] &= terminals[-1]
    if not kept.any():
        raise Fault("no row's next observation is known; the key 'next_observations' is needed")
    # This row now ends a cut episode.
    ends = np.append(~kept[1:], True) & ~terminals
    columns |= {"next_observations": following, "timeouts": ends}
    return {key: column[kept] for key, column in columns.items()}


def _stored(path: Path) -> tuple[Columns, list[str]]:
    """The columns of an HDF5 file that have one of D4RL's names, and the names of the others.

    Others compress their files, so a column may be larger than the file, but not without limit.
    Raises Fault for a column of another type or shape, before it is read.
    """
    with hdf5.opened(path, REMEDY) as file:
        infos = _names(file, "infos")
        found = {key: hdf5.located(file, key) for key in (*NEEDED, *OPTIONAL, FINAL, *infos)}
        arrays = {key: array for key, array in found.items() if array is not None}
        if not ("observations" in arrays and foreign.is_picture(arrays["observations"])):
            arrays.pop(FINAL, None)
        arrays = {
            key: array
            for key, array in arrays.items()
            if not key.startswith("infos/") or foreign.is_info(array)
        }
        for key, array in arrays.items():
            foreign.check_shape(key, array)
            most = hdf5.MOST_DEFLATED if foreign.is_picture(array) else MOST_PACKED
            if array.nbytes > most * path.stat().st_size:
                raise ValueError(f"key '{key}' declares more than {most} x its size")
        others = {*infos, *(name for name in file if name != "infos")} - arrays.keys()
        return {key: array[()] for key, array in arrays.items()}, sorted(others)


def _names(file: h5py.File, group: str) -> list[str]:
    item = file.get(group)
    return [f"{group}/{name}" for name in item] if isinstance(item, h5py.Group) else []
