"""The manifest of a suite's datasets. It describes them and holds hashes for later checks."""

import envs
from cds_bench.config import Config
from cds_bench.dataset.store import REMEDY, read_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, sha256, write_json
from cds_bench.storage.versions import versions


def write_manifest(config: Config, suite: str) -> None:
    """Checks every dataset of a suite and writes its hash, counts, scores and versions."""
    write_json(
        paths.manifest(config, suite),
        {
            "suite": suite,
            "tasks": {task: _entry(config, suite, task) for task in envs.SUITES[suite].tasks},
            "versions": versions("gymnasium", "mujoco", "numpy", "h5py"),
        },
    )


def verify(config: Config, suite: str, task: str) -> dict[str, tuple[int, ...]]:
    """The shapes of a dataset's columns, if the file is the one in the manifest; else BenchError.

    The manifest is written from the datasets by the same job and after the same checks.
    """
    manifest, path = paths.manifest(config, suite), paths.dataset(config, suite, task)
    remedy = "delete it to have it written again"
    try:
        expected = read_json(manifest)["tasks"][task]["sha256"]
    except (KeyError, TypeError):
        raise BenchError(f"{manifest}: key 'tasks.{task}.sha256' is missing; {remedy}") from None
    columns, _ = sized(config, suite, task)
    shapes = {key: column.shape for key, column in columns.items()}
    del columns
    if (found := sha256(path)) != expected:
        raise BenchError(
            f"{path}: SHA-256 is {found}, but the manifest says {expected}: the file changed after "
            f"{manifest.name} was written; delete both to have them written again"
        )
    return shapes


def sized(config: Config, suite: str, task: str) -> tuple[dict, dict]:
    """The columns and attributes of a checked dataset, which must have the configured size."""
    path = paths.dataset(config, suite, task)
    columns, attributes = read_dataset(path, suite, task)
    size, rows = config.size(suite, task), len(columns["rewards"])
    if rows != size:
        raise BenchError(
            f"{path}: rewards has {rows} rows, but the configuration says {size}; {REMEDY}"
        )
    return columns, attributes


def _entry(config: Config, suite: str, task: str) -> dict:
    path = paths.dataset(config, suite, task)
    columns, attributes = sized(config, suite, task)
    return {
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "transitions": len(columns["rewards"]),
        "episodes": int(attributes["episodes"]),
        "metric": attributes["metric"],
        "mean_score": float(attributes["mean_score"]),
        "normalized_score": float(attributes["normalized_score"]),
        "quality": attributes["quality"],
        "versions": attributes["versions"],
    }
