"""The job of an external baseline, which it reads from job.json.

The job is plain data with every default resolved, so that a program in any language can read it.
The Snakefile makes it, so nothing here imports torch. docs/external-baselines.md describes each
key.
"""

from typing import Any

import envs
from cds_bench.config import Config, plugins
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.seeding import episode_starts
from cds_bench.storage import paths


def job(config: Config, name: str, suite: str) -> dict[str, Any]:
    """The job of a baseline on a suite.

    Raises BenchError if the configuration cannot be carried out. Keys: baseline, options, seeds,
    those of `training_job`, tasks (see `_task`), protocol.
    """
    return {
        "baseline": name,
        "options": config.baselines[name],
        "seeds": list(range(config.seeds)),
        **training_job(config, suite),
        "tasks": {task: _task(config, task) for task in envs.SUITES[suite].tasks},
        "protocol": config.protocol.model_dump(mode="json"),
    }


def training_job(config: Config, suite: str) -> dict[str, Any]:
    """The data, sizes, steps and algorithm options that our own training jobs of a suite use."""
    own = config.of(suite)
    return {
        "suite": suite,
        "domain": envs.SUITES[suite].domain,
        "pool": str(paths.pool(config, suite)),
        "datasets": {
            task: str(paths.dataset(config, suite, task)) for task in envs.SUITES[suite].tasks
        },
        "training": own.training.model_dump(mode="json"),
        "snapshot_steps": snapshot_steps(own),
        "algorithms": {
            name: plugins.defaults("algorithms", own.module("algorithms", name))
            | plugins.own_options(options)
            for name, options in own.algorithms.items()
        },
    }


def _task(config: Config, task: str) -> dict[str, Any]:
    """A task's environment, its reference scores, and the starts of its evaluation episodes."""
    protocol = config.protocol
    episodes = max(protocol.curve_episodes, protocol.final_episodes)
    return {
        "environment": envs.TASKS[task].env_id,
        "metric": envs.TASKS[task].metric,
        "horizon": envs.TASKS[task].horizon,
        "references": str(paths.references(config, task)),
        "starts": [episode_starts(task, seed, episodes) for seed in range(config.seeds)],
    }
