"""Relabelling: joins a suite's datasets into one pool with every task's reward."""

import numpy as np

import envs
from cds_bench.config import Config
from cds_bench.dataset import check
from cds_bench.dataset.manifest import verified
from cds_bench.dataset.pool import Pool, save_pool, statistics
from cds_bench.dataset.store import FINAL, REMEDY
from cds_bench.progress import Progress
from cds_bench.storage import paths


def build_pool(config: Config, suite: str) -> None:
    """Writes a suite's pool from its datasets.

    Raises BenchError if a dataset is damaged or has changed since the manifest was written.
    """
    tasks = envs.SUITES[suite].tasks
    datasets = []
    with Progress(f"pool {suite}", len(tasks)) as progress:
        for done, task in enumerate(tasks, start=1):
            datasets.append(verified(config, suite, task))
            progress.update(done, task)
    for task, columns in zip(tasks, datasets, strict=True):
        _check_widths(paths.dataset(config, suite, task), columns, datasets[0], tasks[0])
    save_pool(paths.pool(config, suite), pooled(suite, datasets))


def pooled(suite: str, datasets: list[dict[str, np.ndarray]]) -> Pool:
    """The pool from the columns of a suite's datasets, which are in the order of its tasks."""
    tasks = envs.SUITES[suite].tasks
    shared = set.intersection(*(set(columns) for columns in datasets))
    columns = {key: np.concatenate([data[key] for data in datasets]) for key in sorted(shared)}
    rewards, terminals = relabelled(columns, tasks)
    source = np.repeat(np.arange(len(tasks)), [len(data["rewards"]) for data in datasets])
    seen = columns["observations"]
    if FINAL in columns:
        seen, mean, scale = np.concatenate([seen, columns[FINAL]]), None, None
    else:
        mean, scale = statistics(seen, source)
    return Pool(
        suite=suite,
        domain=envs.SUITES[suite].domain,
        tasks=tasks,
        observations=seen,
        actions=columns["actions"],
        next_observations=columns.get("next_observations"),
        rewards=rewards,
        terminals=terminals,
        source=source,
        ends=columns["terminals"] | columns["timeouts"],
        observation_mean=mean,
        observation_scale=scale,
    )


def _check_widths(path, columns: dict, first: dict, first_task: str) -> None:
    """Raises BenchError unless the dataset's observations and actions fit the first task's."""
    with check.blame(path, REMEDY):
        for key in ("observations", "actions"):
            both = {key: columns[key], f"{first_task}'s": first[key]}
            check.same_width(both, *both)


def relabelled(columns: dict[str, np.ndarray], tasks: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Every task's rewards and terminals for stored columns [N, ...]: float32 [N, T] each."""
    rewards = np.stack([envs.TASKS[task].reward(columns) for task in tasks], axis=1)
    terminals = np.stack([envs.TASKS[task].terminal(columns) for task in tasks], axis=1)
    return rewards.astype(np.float32), terminals.astype(np.float32)
