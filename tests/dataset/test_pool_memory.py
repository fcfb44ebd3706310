"""Building a pool needs little more memory than the pool itself."""

import tracemalloc

import numpy as np
import pytest

import envs
from cds_bench.config import parse
from cds_bench.dataset import pool, relabel, store
from cds_bench.dataset.manifest import write_manifest
from cds_bench.dataset.store import SCHEMA_VERSION, write_dataset
from cds_bench.storage import paths

SUITE, EPISODE = "pointmaze-medium-undirected", 1000
MOST = 1.3  # times the pool's own size


def write_data(folder, suite: str, rows: int, width: int = 4):
    """Datasets of that many transitions per task, all far from every goal; the configuration."""
    tasks = envs.SUITES[suite].tasks
    sizes = {suite: {"sizes": dict.fromkeys(tasks, rows)}}
    config = parse({"results": str(folder), "suites": sizes}, "test")
    rng = np.random.default_rng(0)
    for task in tasks:
        ends = np.arange(1, rows + 1) % EPISODE == 0
        ends[-1] = True
        seen = rng.random((rows, width), np.float32)
        columns = {
            "observations": seen,
            "actions": rng.random((rows, 2), np.float32),
            "next_observations": np.roll(seen, -1, 0),
            "rewards": np.zeros(rows),
            "terminals": np.zeros(rows, bool),
            "timeouts": ends,
            "infos/x": np.full(rows, -100.0),
            "infos/y": np.full(rows, -100.0),
        }
        about = {
            "schema_version": SCHEMA_VERSION, "suite": suite, "task": task,
            "quality": envs.SUITES[suite].sources[task].quality,
            "environment": envs.TASKS[task].env_id, "seed_stream": "s", "episodes": ends.sum(),
            "complete_episodes": ends.sum(), "metric": "success", "mean_score": 0.0,
            "normalized_score": 0.0, "score_quantiles": {}, "behaviour": {}, "versions": {},
        }  # fmt: skip
        write_dataset(paths.dataset(config, suite, task), columns, about)
    return config


def bytes_of(path) -> int:
    return sum(array.nbytes for array in pool._arrays(pool.load_pool(path)).values())


@pytest.mark.parametrize("suite", [SUITE, "pointmaze-medium-single"])
def test_a_pool_is_built_in_parts(tmp_path, monkeypatch, suite):
    """Parts are as small beside this pool as they are beside one of 1e7 transitions."""
    config = write_data(tmp_path, suite, 200_000)
    for module in (pool, relabel, store):
        monkeypatch.setattr(module, "ROWS", 1000)
    tracemalloc.start()
    try:
        write_manifest(config, suite)
        relabel.build_pool(config, suite)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = bytes_of(paths.pool(config, suite))
    assert peak < MOST * size, f"{peak / size:.2f} times its size"
