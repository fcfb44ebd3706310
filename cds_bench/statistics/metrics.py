"""Reads and checks the metrics that runs logged during training (metrics.csv)."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.reading import (
    check_columns,
    integers,
    numbers,
    one_of,
    read_csv,
    refuse,
)
from cds_bench.storage import paths, seals
from cds_bench.storage.columns import METRICS

FILE = "metrics.csv"
WEIGHT, SHARE = "weight", "effective_share"  # logged per pair of source and target


def read_run_metrics(folder: Path, suite: str, seeds: Collection[int]) -> pd.DataFrame:
    """A run's metrics.csv: METRICS, a row per seed, step, metric, source and target.

    Values may be NaN or infinite. Raises BenchError for other columns, types, seeds or tasks, and
    if the file's hash differs from the one in run.json.
    """
    path, tasks = folder / FILE, envs.SUITES[suite].tasks
    frame = read_csv(path, "nothing was logged")
    if (folder / "run.json").exists():
        seals.check(path, FILE, seals.read_run(folder).sha256, folder / "run.json")
    check_columns(frame, METRICS, str(path))
    frame["seed"] = integers(frame, "seed", 0, str(path))
    one_of(frame, "seed", seeds, str(path))
    frame["step"] = integers(frame, "step", 1, str(path))
    refuse(frame, "metric", frame["metric"].isna(), "a name", str(path))
    for column in ("source", "target"):
        one_of(frame, column, tasks, str(path), gaps=True)
    frame["value"] = numbers(frame, "value", str(path), gaps=True, infinite=True)
    return frame


def read_metrics(
    config: Config, suite: str, algorithm: str, strategy: str, names: Collection[str]
) -> pd.DataFrame:
    """The named metrics of all seeds that were trained to the end.

    Groups of seeds whose training has not ended are skipped, and so are seeds whose losses were no
    longer finite. Otherwise a mean over seeds would be over fewer of them in late steps than in
    early ones.
    """
    parts = [pd.DataFrame(columns=METRICS)]
    for first, last in config.seed_groups:
        folder = paths.run(config, suite, algorithm, strategy, f"{first}-{last}")
        if (folder / "run.json").exists():
            frame = read_run_metrics(folder, suite, range(first, last + 1))
            whole = frame["seed"].isin(seals.read_run(folder).finished)
            parts.append(frame[frame["metric"].isin(names) & whole])
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else parts[0]
