"""The pool: the transitions of all tasks, each with the reward and terminal of every task.

Training reads it on machines without simulators, so this module imports only numpy and h5py.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from cds_bench.dataset import check, hdf5
from cds_bench.dataset.check import Fault

SCHEMA_VERSION = 2
SCALE_FLOOR = 1e-3
ROWS = 2**16  # processed at a time, so that no second copy of the pool is in memory
NORMALISED_LIMIT = 10.0  # normalised observations are clipped to [-10, 10]
REMEDY = "delete the file to have it built again"
COLUMNS = {  # one row per transition: key -> (dtype, dimensions)
    "observations": (np.float32, 2),
    "actions": (np.float32, 2),
    "next_observations": (np.float32, 2),
    "rewards": (np.float32, 2),
    "terminals": (np.float32, 2),
    "source": (np.int64, 1),
    "ends": (np.bool_, 1),
}
STATISTICS = {"observation_mean": (np.float32, 2), "observation_scale": (np.float32, 2)}
PICTURES = {"observations": (np.uint8, 4)}  # of pictures
PER_ROW = {key: COLUMNS[key] for key in ("actions", "rewards", "terminals", "source", "ends")}


@dataclass(frozen=True)
class Pool:
    """N transitions of T tasks, each with every task's reward and terminal.

    observations, next_observations [N, O], actions [N, A], rewards, terminals (0 or 1) [N, T]:
    float32; column t belongs to tasks[t]. source int64 [N], ascending: the task for which a row was
    collected. ends bool [N]: whether a row is the last of its episode, which ends with a terminal
    of the source task, a timeout or a cut. The rows of an episode are consecutive.
    observation_mean, observation_scale float32 [T, O]: mean and standard deviation over each task's
    own rows. sha256: the hash of all of these; empty until the pool is saved.

    A pool of pictures stores each picture once. observations is then uint8
    [N + E, height, width, 3]: the pictures of the N transitions, followed by the final picture of
    each of the E episodes. `next_rows` gives the row of each transition's next observation.
    next_observations, observation_mean and observation_scale are None.
    """

    suite: str
    domain: str
    tasks: tuple[str, ...]
    observations: np.ndarray
    actions: np.ndarray
    next_observations: np.ndarray | None
    rewards: np.ndarray
    terminals: np.ndarray
    source: np.ndarray
    ends: np.ndarray
    observation_mean: np.ndarray | None
    observation_scale: np.ndarray | None
    sha256: str = ""

    @property
    def pictures(self) -> bool:
        """Whether observations are pictures."""
        return self.observations.ndim == 4


def next_rows(ends: np.ndarray) -> np.ndarray:
    """The row of each transition's next picture among a pool's observations, int64 [N].

    ends bool [N]. The picture after row i is in row i + 1. The picture after the last row of
    episode e is in row N + e.
    """
    rows = np.arange(1, len(ends) + 1)
    rows[ends] = len(ends) + np.arange(ends.sum())
    return rows


def statistics(observations: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of each task's own observations, float32 [T, O] each.

    observations [N, O], source [N]. Each task sees all states in units of its own data, even states
    that were collected for other tasks [ours]. In units of the whole pool, the states of hopping on
    the spot would vary a tenth as much as those of running. A network hardly learns from inputs
    that vary so little.
    The scale is the standard deviation, but at least 1e-3. Without this floor, a coordinate that
    hardly moves in the data would become huge as soon as a learned policy moves it.
    """
    found = [_moments(observations, source == task) for task in range(source.max() + 1)]
    mean, scale = (np.stack(values) for values in zip(*found, strict=True))
    return mean.astype(np.float32), np.maximum(scale, SCALE_FLOOR).astype(np.float32)


def _moments(observations: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the task's own rows, in float64 and ROWS rows at a time.

    The rows are added one after the other, as NumPy does, so the results equal NumPy's `mean` and
    `std` to the last bit.
    """
    rows = np.flatnonzero(own)

    def total(term) -> np.ndarray:
        sums = np.zeros((0, observations.shape[1]))
        for first in range(0, len(rows), ROWS):
            part = term(observations[rows[first : first + ROWS]].astype(np.float64))
            sums = np.add.reduce(np.concatenate([sums, part]), axis=0, keepdims=True)
        return sums[0]

    mean = total(lambda part: part) / len(rows)
    return mean, np.sqrt(total(lambda part: np.square(part - mean)) / len(rows))


def content_sha256(pool: Pool) -> str:
    """The hash of the names and of every array's dtype, shape and bytes."""
    digest = hashlib.sha256("\n".join((pool.suite, pool.domain, *pool.tasks)).encode())
    for field in fields(Pool):
        value = getattr(pool, field.name)
        if isinstance(value, np.ndarray):
            digest.update(f"{field.name} {value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()


def save_pool(path: Path | str, pool: Pool) -> Pool:
    """Writes a pool atomically and returns it with its hash. Equal content gives equal bytes."""
    pool = replace(pool, sha256=content_sha256(pool))
    with check.blame(path, "not written"):
        check_pool(pool)
    attributes = {
        "schema_version": SCHEMA_VERSION,
        "suite": pool.suite,
        "domain": pool.domain,
        "tasks": "\n".join(pool.tasks),
        "sha256": pool.sha256,
    }
    hdf5.write(path, _arrays(pool), attributes)
    return pool


def load_pool(path: Path | str) -> Pool:
    """Reads and checks a pool. A BenchError names the file, the key and the row."""
    arrays, attributes = hdf5.read(path, REMEDY, (*COLUMNS, *STATISTICS))
    with check.blame(path, REMEDY):
        check.attribute(attributes, "schema_version", SCHEMA_VERSION)
        names = {key: check.attribute(attributes, key) for key in ("suite", "domain", "sha256")}
        tasks = tuple(str(check.attribute(attributes, "tasks")).split("\n"))
        kept = {key: arrays.get(key) for key in (*COLUMNS, *STATISTICS)}
        _check_layout({key: value for key, value in kept.items() if value is not None})
        pool = Pool(tasks=tasks, **names, **kept)
        check_pool(pool)
    return pool


def pool_sha256(path: Path | str) -> str:
    """The hash that a pool was saved with. The arrays are neither read nor checked."""
    _, attributes = hdf5.read(path, REMEDY)
    with check.blame(path, REMEDY):
        return check.attribute(attributes, "sha256")


def check_pool(pool: Pool) -> None:
    """Raises Fault for the first problem of a pool. The hash is compared last."""
    arrays = _arrays(pool)
    _check_layout(arrays)
    widths = dict.fromkeys(("rewards", "terminals"), len(pool.tasks))
    if not pool.pictures:
        check.same_width(arrays, "next_observations", "observations")
        widths |= dict.fromkeys(STATISTICS, pool.observations.shape[1])
    for key, width in widths.items():
        if arrays[key].shape[-1] != width:
            raise Fault(f"{key} has shape {arrays[key].shape}, expected {width} columns")
    check.finite(arrays)
    check.actions_bounded(pool.actions)
    known = (pool.terminals == 0.0) | (pool.terminals == 1.0)
    check.none(~known, "terminals", "neither 0 nor 1")
    if not pool.pictures:
        check.none(pool.observation_scale <= 0, "observation_scale", "not positive")
    _check_source(pool.source, len(pool.tasks))
    last = np.append(pool.source[1:] > pool.source[:-1], True)
    check.none(last & ~pool.ends, "ends", "not set at the last row of a source task")
    if (found := content_sha256(pool)) != pool.sha256:
        raise Fault(f"the pool is damaged: its hash is {found}, not {pool.sha256}")


def _arrays(pool: Pool) -> dict[str, np.ndarray]:
    """The arrays of a pool by name."""
    arrays = {key: getattr(pool, key) for key in (*COLUMNS, *STATISTICS)}
    return {key: array for key, array in arrays.items() if array is not None}


def _check_layout(arrays: dict[str, np.ndarray]) -> None:
    """Raises Fault if an array is missing or has another type or length."""
    if arrays.get("observations", np.empty(0)).ndim != 4:
        check.layout(arrays, COLUMNS)
        check.layout(arrays, STATISTICS)
        return
    check.layout(arrays, PER_ROW)
    check.layout(arrays, PICTURES)
    rows, ends = len(arrays["ends"]), int(arrays["ends"].sum())
    if (found := len(arrays["observations"])) != rows + ends:
        raise Fault(
            f"observations has {found} pictures, expected {rows + ends}: one for each of {rows} "
            f"rows and {ends} ends of episodes"
        )


def _check_source(source: np.ndarray, tasks: int) -> None:
    check.none((source < 0) | (source >= tasks), "source", f"not a task's index below {tasks}")
    falls = np.append(False, source[1:] < source[:-1])
    check.none(falls, "source", "smaller than in the row before")
    missing = np.flatnonzero(np.bincount(source, minlength=tasks) == 0)
    if len(missing):
        raise Fault(f"source has no row of task {missing[0]}")
