"""Reads other projects' datasets, D4RL's HDF5 files and Minari's datasets, as D4RL's columns.

The columns are those of `store`, with every scalar value of `infos`: observations, actions and
next_observations float32, rewards and infos float64, terminals and timeouts bool. A row that
continues to the next one has that one's observation as its next observation.
"""

from pathlib import Path

import numpy as np

from cds_bench.dataset import check, hdf5
from cds_bench.dataset.check import Fault
from cds_bench.errors import BenchError
from envs.own import located

REMEDY = "correct the path, or make the file again"
NEEDED = ("observations", "actions", "rewards", "terminals")
OPTIONAL = ("timeouts", "next_observations")
MOST_PACKED = 100  # times that compression may shrink a file
Columns = dict[str, np.ndarray]


def read(path: Path) -> tuple[Columns, bool]:
    """A dataset's columns, and whether its rewards were stored as float32.

    `path` is an HDF5 file in D4RL's schema or a Minari dataset's folder. Raises BenchError naming
    file, column and row for what is missing, of another shape, or not a number.
    """
    if not path.exists():
        raise BenchError(f"{path}: no such file or folder; {REMEDY}")
    columns = _minari(path) if path.is_dir() else _d4rl(path)
    rough = columns["rewards"].dtype == np.float32
    with check.blame(path, REMEDY):
        typed = {key: _typed(key, column) for key, column in sorted(columns.items())}
        typed["timeouts"] &= ~typed["terminals"]
        typed["timeouts"][-1:] |= ~typed["terminals"][-1:]
        check.finite(typed)
    return typed, rough


def convert(source: str, output: Path) -> str:
    """Writes a dataset that another project made as D4RL's HDF5. Returns a description."""
    path = located(source)
    columns, _ = read(path)
    hdf5.write(output, columns, {"source": source})
    rows, ends = len(columns["rewards"]), columns["terminals"] | columns["timeouts"]
    widths = ", ".join(f"{key} {columns[key].shape[1]}" for key in ("observations", "actions"))
    infos = ", ".join(key for key in columns if key.startswith("infos/")) or "no infos"
    mean = columns["rewards"].sum() / ends.sum()
    return (
        f"{output}: {rows:,} transitions in {ends.sum():,} episodes, mean return {mean:.4g}; "
        f"{widths}, {infos}; largest |action| {np.abs(columns['actions']).max():.4g}"
    )


def first(columns: Columns, size: int) -> Columns:
    """The first `size` transitions. If the last episode continues, it is cut."""
    kept = {key: column[:size].copy() for key, column in columns.items()}
    kept["timeouts"][-1] |= ~kept["terminals"][-1]
    return kept


def _typed(key: str, column: np.ndarray) -> np.ndarray:
    """The column in the type and shape of the schema."""
    if column.ndim == 2 and column.shape[1] == 1 and key in ("rewards", "terminals", "timeouts"):
        column = column[:, 0]
    vectors = key in ("observations", "actions", "next_observations")
    if column.ndim != (2 if vectors else 1):
        raise Fault(f"{key} has shape {column.shape}, expected {'[N, W]' if vectors else '[N]'}")
    kind = np.float32 if vectors else np.bool_ if key in ("terminals", "timeouts") else np.float64
    return column.astype(kind)


def _d4rl(path: Path) -> Columns:
    """The columns of an HDF5 file in D4RL's schema.

    Older files have no `next_observations`. The next row's observation stands for it then. The last
    row of an episode that was cut is left out, as in d4rl.qlearning_dataset; that of an episode
    that ended keeps its own observation, because nothing follows it [ours].
    """
    columns = _stored(path)
    with check.blame(path, REMEDY):
        for key in NEEDED:
            if key not in columns:
                raise Fault(
                    f"key '{key}' is missing (found: {', '.join(sorted(columns)) or 'none'})"
                )
        lengths = {key: len(column) for key, column in columns.items()}
        if len(set(lengths.values())) > 1 or not lengths["rewards"]:
            raise Fault(f"the columns have different or no lengths: {lengths}")
        if "timeouts" not in columns:
            columns["timeouts"] = _breaks(columns)
    if "next_observations" in columns:
        return columns
    terminals = columns["terminals"].reshape(-1).astype(bool)
    following = np.roll(columns["observations"], -1, axis=0)
    following[terminals] = columns["observations"][terminals]
    kept = terminals | ~columns["timeouts"].reshape(-1).astype(bool)
    kept[-1] &= terminals[-1]
    # This row now ends a cut episode.
    ends = np.append(~kept[1:], True) & ~terminals
    columns |= {"next_observations": following, "timeouts": ends}
    return {key: column[kept] for key, column in columns.items()}


def _breaks(columns: Columns) -> np.ndarray:
    """Where a row's next observation is not the next row's observation, bool [N]."""
    if "next_observations" not in columns:
        raise Fault("the keys 'timeouts' and 'next_observations' are missing; one is needed")
    differ = (columns["next_observations"][:-1] != columns["observations"][1:]).any(1)
    return np.append(differ, True)


def _stored(path: Path) -> Columns:
    """The columns of an HDF5 file that have one of D4RL's names, and the scalar values of `infos`.

    Others compress their files, so a column may be larger than the file, but not without limit.
    """
    most = MOST_PACKED * path.stat().st_size
    with hdf5.opened(path, REMEDY) as file:
        infos = [f"infos/{name}" for name in file.get("infos", {})]
        found = {key: hdf5.located(file, key) for key in (*NEEDED, *OPTIONAL, *infos)}
        arrays = {
            key: array
            for key, array in found.items()
            if array is not None and array.shape and not array.dtype.hasobject
            if array.ndim == 1 or not key.startswith("infos/")
        }
        if large := [key for key, array in arrays.items() if array.nbytes > most]:
            raise ValueError(f"key '{large[0]}' declares more than {MOST_PACKED} x its size")
        return {key: array[()] for key, array in arrays.items()}


def _minari(path: Path) -> Columns:
    """The columns of a Minari dataset; `infos` are those after each step."""
    import minari

    try:
        episodes = list(minari.MinariDataset(path / "data").iterate_episodes())
    except Exception as error:  # Minari and HDF5 raise many types
        raise BenchError(f"{path}: not a readable Minari dataset ({error}); {REMEDY}") from error
    if not episodes:
        raise BenchError(f"{path}: it has no episodes; {REMEDY}")
    with check.blame(path, REMEDY):
        parts = [_episode(k, episode) for k, episode in enumerate(episodes)]
        shared = set.intersection(*(set(part) for part in parts))
        return {key: np.concatenate([part[key] for part in parts]) for key in sorted(shared)}


def _episode(number: int, episode) -> Columns:
    steps = len(episode.rewards)
    for key in ("observations", "actions"):
        if not isinstance(values := getattr(episode, key), np.ndarray) or values.ndim != 2:
            raise Fault(
                f"episode {number}: {key} are no vectors; flatten them when the data are collected"
            )
    if len(episode.observations) != steps + 1:
        raise Fault(
            f"episode {number}: observations has {len(episode.observations)} rows, expected "
            f"{steps + 1} for {steps} steps"
        )
    ended = episode.terminations.astype(bool)
    cut = episode.truncations.astype(bool)
    cut[-1] |= ~ended[-1]
    scalars = {
        f"infos/{name}": values[len(values) - steps :]
        for name, values in (episode.infos or {}).items()
        if isinstance(values, np.ndarray) and values.ndim == 1 and len(values) in (steps, steps + 1)
        if np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_
    }
    return {
        "observations": episode.observations[:-1],
        "actions": episode.actions,
        "next_observations": episode.observations[1:],
        "rewards": episode.rewards,
        "terminals": ended,
        "timeouts": cut,
        **scalars,
    }
