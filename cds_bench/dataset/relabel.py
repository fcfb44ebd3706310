"""Relabelling joins the datasets of a suite into one pool with the rewards of every task."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

import envs
from cds_bench.config import Config
from cds_bench.dataset import check, hdf5
from cds_bench.dataset.manifest import verify
from cds_bench.dataset.pool import ROWS, Pool, save_pool, statistics
from cds_bench.dataset.store import FINAL, REMEDY, expected_columns
from cds_bench.progress import Progress
from cds_bench.storage import paths


def build_pool(config: Config, suite: str) -> None:
    """Writes a suite's pool from its datasets, one part at a time.

    It needs memory for one dataset while it checks them, and then for the pool and little more.
    Raises BenchError if a dataset is damaged or has changed since the manifest was written.
    """
    tasks = envs.SUITES[suite].tasks
    with Progress(f"pool {suite}", len(tasks)) as progress:
        shapes = {}
        for done, task in enumerate(tasks, start=1):
            shapes[task] = verify(config, suite, task)
            progress.update(done, task)
    for task in tasks:
        _check_widths(paths.dataset(config, suite, task), shapes[task], shapes[tasks[0]], tasks[0])
    sizes = [shapes[task]["observations"][0] for task in tasks]
    shared = sorted(set.intersection(*(set(expected_columns(task)) for task in tasks)))
    parts = (
        part
        for task in tasks
        for part in hdf5.parts(paths.dataset(config, suite, task), REMEDY, shared, ROWS)
    )
    finals = [
        hdf5.read(paths.dataset(config, suite, task), REMEDY, [FINAL])[0][FINAL]
        for task in tasks
        if envs.TASKS[task].picture
    ]
    save_pool(paths.pool(config, suite), pooled(suite, parts, sizes, finals))


def pooled(
    suite: str,
    parts: Iterable[dict[str, np.ndarray]],
    sizes: list[int],
    finals: Sequence[np.ndarray] = (),
) -> Pool:
    """The pool of a suite's datasets.

    parts: the datasets' columns, part by part, in the order of the suite's tasks. A part may be a
    whole dataset. sizes: the number of transitions of each task. finals: for pictures, the final
    ones of each task's episodes.
    """
    tasks, rows = envs.SUITES[suite].tasks, sum(sizes)
    ends = sum(len(final) for final in finals)
    arrays: dict[str, np.ndarray] = {}
    first = 0
    for part in parts:
        rewards, terminals = relabelled(part, tasks)
        filled = {
            "observations": part["observations"],
            "actions": part["actions"],
            **({} if finals else {"next_observations": part["next_observations"]}),
            "rewards": rewards,
            "terminals": terminals,
            "ends": part["terminals"] | part["timeouts"],
        }
        for key, values in filled.items():
            if key not in arrays:
                more = ends if key == "observations" else 0
                arrays[key] = np.empty((rows + more, *values.shape[1:]), values.dtype)
            arrays[key][first : first + len(values)] = values
        first += len(rewards)
    source = np.repeat(np.arange(len(tasks)), sizes)
    if finals:
        np.concatenate(finals, out=arrays["observations"][rows:])
        arrays["next_observations"] = mean = scale = None
    else:
        mean, scale = statistics(arrays["observations"], source)
    return Pool(
        suite=suite,
        domain=envs.SUITES[suite].domain,
        tasks=tasks,
        source=source,
        observation_mean=mean,
        observation_scale=scale,
        **arrays,
    )


def _check_widths(path: Path, shapes: dict, first: dict, first_task: str) -> None:
    """Raises BenchError unless observations and actions have the same shape as the first task's."""
    with check.blame(path, REMEDY):
        for key in ("observations", "actions"):
            if shapes[key][1:] != first[key][1:]:
                raise check.Fault(
                    f"{key} has shape {shapes[key]}, but {first_task}'s has {first[key]}"
                )


def relabelled(columns: dict[str, np.ndarray], tasks: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """The rewards and terminals of every task for columns [N, ...], each float32 [N, T]."""
    rewards = np.stack([envs.TASKS[task].reward(columns) for task in tasks], axis=1)
    terminals = np.stack([envs.TASKS[task].terminal(columns) for task in tasks], axis=1)
    return rewards.astype(np.float32), terminals.astype(np.float32)
