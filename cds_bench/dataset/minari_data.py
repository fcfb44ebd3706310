"""Reads Minari's datasets as D4RL's columns."""

from pathlib import Path

import numpy as np

from cds_bench.dataset import check, foreign
from cds_bench.dataset.check import Fault
from cds_bench.dataset.foreign import Columns
from cds_bench.dataset.store import FINAL
from cds_bench.errors import BenchError


def read(path: Path, remedy: str) -> tuple[Columns, list[str]]:
    """The columns of a dataset's folder, and the names of the infos that were left out.

    The values of `infos` are those after each step. Raises BenchError naming folder, episode and
    column.
    """
    episodes = _episodes(path, remedy)
    if not episodes:
        raise BenchError(f"{path}: it has no episodes; {remedy}")
    with check.blame(path, remedy):
        parts = []
        for number, episode in enumerate(episodes):
            try:
                parts.append(_columns(episode))
                _check_like(parts[0], parts[-1])
            except Fault as fault:
                raise Fault(f"episode {number}: {fault}") from None
    shared = set.intersection(*(set(part) for part in parts))
    told = {f"infos/{name}" for episode in episodes for name in episode.infos or {}}
    columns = {key: np.concatenate([part[key] for part in parts]) for key in sorted(shared)}
    return columns, sorted(told - shared)


def _episodes(path: Path, remedy: str) -> list:
    import minari

    try:
        return list(minari.MinariDataset(path / "data").iterate_episodes())
    except Exception as error:  # Minari and HDF5 raise many types
        if isinstance(error, ImportError) and "pyarrow" in str(error):
            raise BenchError(
                f"{path}: this Minari dataset is in the format Arrow or Parquet, which needs the "
                "package pyarrow; it is not locked: `.venv/bin/pip install pyarrow`. Or have "
                "Minari write it with data_format='hdf5'"
            ) from error
        raise BenchError(f"{path}: not a readable Minari dataset ({error}); {remedy}") from error


def _columns(episode) -> Columns:
    for key in ("observations", "actions"):
        if not isinstance(getattr(episode, key), np.ndarray):
            raise Fault(
                f"{key} are no vectors or pictures; flatten them when the data are collected"
            )
    foreign.check_shape("observations", episode.observations)
    if not (steps := len(episode.rewards)):
        raise Fault("it has no steps")
    if (found := len(episode.observations)) != steps + 1:
        raise Fault(f"observations has {found} rows, expected {steps + 1} for {steps} steps")
    columns = {
        "observations": episode.observations[:-1],
        "actions": episode.actions,
        "rewards": episode.rewards,
        "terminals": episode.terminations,
        "timeouts": episode.truncations,
    }
    if foreign.is_picture(episode.observations):
        columns[FINAL] = episode.observations[-1:]
    else:
        columns["next_observations"] = episode.observations[1:]
    foreign.check_columns(columns)
    ended, cut = (columns[key].reshape(-1).astype(bool) for key in foreign.FLAGS)
    cut[-1] |= ~ended[-1]
    infos = {
        f"infos/{name}": values[len(values) - steps :]
        for name, values in (episode.infos or {}).items()
        if isinstance(values, np.ndarray) and foreign.is_info(values)
        if len(values) in (steps, steps + 1)
    }
    return columns | {"terminals": ended, "timeouts": cut} | infos


def _check_like(first: Columns, columns: Columns) -> None:
    """Raises Fault unless rows of an episode have the shapes of the first episode's rows."""
    for key in ("observations", "actions"):
        expected, found = first[key].shape[1:], columns[key].shape[1:]
        if found != expected:
            raise Fault(f"a row of {key} has shape {found}, but {expected} in episode 0")
