"""Datasets on disk in D4RL's HDF5 schema. They are written once and checked on every read."""

import hashlib
import json
from pathlib import Path

import numpy as np

import envs
from cds_bench.dataset import check, hdf5
from cds_bench.dataset.check import Fault
from cds_bench.dataset.pool import ROWS

SCHEMA_VERSION = 2
TOLERANCE = 1e-6  # for the difference between a stored and a recomputed reward
REMEDY = "delete the file to have it collected again"
FINAL = "final_observations"  # of pictures: the observation after each episode's last transition
ATTRIBUTES = (  # `collect` provides them; JSON_ATTRIBUTES are stored as JSON text
    "schema_version",
    "suite",
    "task",
    "quality",
    "environment",
    "seed_stream",
    "episodes",
    "complete_episodes",
    "metric",
    "mean_score",
    "normalized_score",
    "score_quantiles",
    "behaviour",
    "versions",
)
JSON_ATTRIBUTES = ("score_quantiles", "behaviour", "versions")


def expected_columns(task: str) -> dict[str, tuple[type, int]]:
    """D4RL's keys and the task's infos, one row per transition: key -> (dtype, dimensions).

    Each picture is stored once, so a dataset of pictures has `FINAL` instead of
    `next_observations`.
    """
    picture = envs.TASKS[task].picture
    vectors = {} if picture else {"next_observations": (np.float32, 2)}
    return {
        "observations": (np.uint8, 4) if picture else (np.float32, 2),
        "actions": (np.float32, 2),
        "rewards": (np.float64, 1),
        "terminals": (np.bool_, 1),
        "timeouts": (np.bool_, 1),
        **vectors,
        **{f"infos/{name}": (np.float64, 1) for name in envs.TASKS[task].infos},
    }


def stored_columns(task: str) -> tuple[str, ...]:
    """All keys of a dataset's file: those of `expected_columns`, and `FINAL` of pictures."""
    return (*expected_columns(task), *([FINAL] if envs.TASKS[task].picture else []))


def write_dataset(path: Path, columns: dict[str, np.ndarray], attributes: dict) -> None:
    """Writes a dataset atomically; the same content gives the same bytes.

    Raises BenchError and writes nothing if `read_dataset` would refuse the columns.
    """
    with check.blame(path, "not written; this is a defect of the environment or the collection"):
        check_dataset(columns, attributes["task"])
    encoded = {key: json.dumps(attributes[key], sort_keys=True) for key in JSON_ATTRIBUTES}
    values = {key: encoded.get(key, attributes[key]) for key in ATTRIBUTES}
    stored = {key: columns[key] for key in stored_columns(attributes["task"])}
    hdf5.write(path, stored, values | {"sha256": content_sha256(stored, values)})


def content_sha256(columns: dict[str, np.ndarray], attributes: dict) -> str:
    """The hash of the stored attributes and of each column's type, shape and bytes."""
    plain = {
        key: value.item() if isinstance(value := attributes[key], np.generic) else value
        for key in ATTRIBUTES
    }
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for key, column in columns.items():
        digest.update(f"{key} {column.dtype} {column.shape}".encode())
        digest.update(np.ascontiguousarray(column))
    return digest.hexdigest()


def read_dataset(path: Path, suite: str, task: str) -> tuple[dict[str, np.ndarray], dict]:
    """Reads and checks a dataset. Returns its columns, each [N, ...], and its attributes.

    Raises BenchError, which names the file, the key and the row, if the file is unreadable or was
    changed; if a key is missing or has another dtype, shape or length; if a value is NaN or
    infinite; if an action is outside [-1, 1]; if an episode does not end, is longer than the
    horizon, ends twice, or its rows do not follow each other; if the task does not reproduce the
    rewards and terminals; or if the suite, task or quality is not the requested one.
    """
    columns, attributes = hdf5.read(path, REMEDY, stored_columns(task))
    with check.blame(path, REMEDY):
        _check_attributes(attributes, suite, task)
        check_dataset(columns, task)
        check.attribute(attributes, "sha256", content_sha256(columns, attributes))
    decoded = {key: json.loads(attributes[key]) for key in JSON_ATTRIBUTES}
    return columns, attributes | decoded


def check_dataset(columns: dict[str, np.ndarray], task: str) -> None:
    """Raises Fault for the first problem of a dataset's columns (see `read_dataset`)."""
    picture = envs.TASKS[task].picture
    check.layout(columns, expected_columns(task))
    if picture:
        check.layout(columns, {FINAL: (np.uint8, 4)})
        check.pictures(columns, ("observations", FINAL), picture)
    else:
        check.same_width(columns, "next_observations", "observations")
    check.finite(columns)
    check.actions_bounded(columns["actions"])
    check_episodes(columns, envs.TASKS[task].horizon)
    check_reproduced(columns, task)


def check_episodes(columns: dict[str, np.ndarray], horizon: int) -> None:
    """Raises Fault unless the rows are whole episodes whose rows follow each other."""
    terminals, timeouts = columns["terminals"], columns["timeouts"]
    check.none(terminals & timeouts, "rows", "both terminal and timeout")
    ends = terminals | timeouts
    if not ends[-1]:
        raise Fault(f"the last row ({len(ends) - 1}) is neither terminal nor timeout")
    starts, lengths = episodes(columns)
    if lengths.max() > horizon:
        longest = int(lengths.argmax())
        raise Fault(
            f"an episode has {lengths[longest]} steps, but the horizon is {horizon} "
            f"(first at row {starts[longest]})"
        )
    if FINAL in columns:
        if len(columns[FINAL]) != len(starts):
            raise Fault(
                f"{FINAL} has {len(columns[FINAL])} rows, but there are {len(starts)} episodes"
            )
        return
    broken = (columns["next_observations"][:-1] != columns["observations"][1:]).any(1)
    broken &= ~ends[:-1]
    check.none(broken, "next_observations", "not the observation of the next row")


def check_reproduced(columns: dict[str, np.ndarray], task: str) -> None:
    """Raises Fault unless the task's functions reproduce the stored rewards and terminals."""
    rewards, terminals = (np.empty(len(columns["rewards"]), bool) for _ in range(2))
    for first in range(0, len(rewards), ROWS):
        rows = slice(first, first + ROWS)
        part = {key: columns[key][rows] for key in expected_columns(task)}
        wrong = np.abs(envs.TASKS[task].reward(part) - part["rewards"]) > TOLERANCE
        rewards[rows] = wrong
        terminals[rows] = envs.TASKS[task].terminal(part) != part["terminals"]
    check.none(rewards, "rewards", f"not what '{task}' recomputes (to {TOLERANCE:g})")
    check.none(terminals, "terminals", f"not what '{task}' recomputes")


def episodes(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The first rows and the lengths of the episodes, int64 [E] each."""
    ends = np.flatnonzero(columns["terminals"] | columns["timeouts"])
    starts = np.concatenate([[0], ends[:-1] + 1])
    return starts, ends - starts + 1


def _check_attributes(attributes: dict, suite: str, task: str) -> None:
    check.attribute(attributes, "schema_version", SCHEMA_VERSION)
    check.attribute(attributes, "suite", suite)
    check.attribute(attributes, "task", task)
    check.attribute(attributes, "quality", envs.SUITES[suite].sources[task].quality)
    check.attribute(attributes, "environment", envs.TASKS[task].env_id)
    for key in ATTRIBUTES:
        check.attribute(attributes, key)
    for key in JSON_ATTRIBUTES:
        try:
            json.loads(attributes[key])
        except (TypeError, json.JSONDecodeError):
            raise Fault(f"attribute '{key}' is not valid JSON") from None
