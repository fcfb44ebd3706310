"""Reads and checks the metrics that runs logged during training (metrics.csv)."""

from collections.abc import Collection

import pandas as pd

from cds_bench.config import Config
from cds_bench.statistics.schema import check_columns, read_csv
from cds_bench.storage import paths
from cds_bench.storage.columns import METRICS

WEIGHT, SHARE = "weight", "effective_share"  # logged per pair of source and target


def read_metrics(
    config: Config, suite: str, algorithm: str, strategy: str, names: Collection[str]
) -> pd.DataFrame:
    """The named metrics of all seeds; seed groups without a file are skipped."""
    parts = [pd.DataFrame(columns=METRICS)]
    for first, last in config.seed_groups:
        path = paths.run(config, suite, algorithm, strategy, f"{first}-{last}") / "metrics.csv"
        if path.exists():
            frame = read_csv(path)
            check_columns(frame, METRICS, str(path))
            parts.append(frame[frame["metric"].isin(names)])
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else parts[0]
