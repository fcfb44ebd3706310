"""Distribution shift over runs: the merged file, and the table's means and intervals."""

import numpy as np
import pandas as pd
import pytest

from cds_bench.report.making import make
from cds_bench.report.shift_table import table
from cds_bench.statistics import merging, shift
from cds_bench.statistics.schema import merge as merge_scores
from cds_bench.storage import files, paths
from cds_bench.storage.columns import CELL, SHIFT
from tests.report import synthetic

SUITE = synthetic.SUITE
TASKS = ("run-forward", "run-backward", "jump")


@pytest.fixture
def config(tmp_path):
    """Usual scores. A seed's shift is 1 + seed, and its critic is 2 above its return of 10."""
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    for sharing in config.sharing:
        for first, last in config.seed_groups:
            key = (SUITE, "cql", sharing, f"{first}-{last}")
            seeds = range(first, last + 1)
            moved = [(seed, task, 1.0 + seed, -3.0) for seed in seeds for task in TASKS]
            files.write_csv(
                paths.run(config, *key) / "shift.csv",
                pd.DataFrame(moved, columns=["seed", "task", "kl", "log_likelihood"]),
            )
            values = [(SUITE, t, "cql", sharing, s, 12.0, 10.0) for s in seeds for t in TASKS]
            columns = ["suite", "task", "algorithm", "sharing", "seed", "q_initial"]
            files.write_csv(
                paths.run_values(config, *key),
                pd.DataFrame(values, columns=[*columns, "discounted_return"]),
            )
            synthetic.seal(config, key)
    merging.write_suite(config, SUITE)
    return config


def test_runs_are_merged(config):
    found = shift.read_shift(config, SUITE)
    assert list(found.columns) == SHIFT
    assert len(found) == 5 * 3 * 3
    np.testing.assert_allclose(found.overestimation, 2.0)
    assert not found.duplicated(CELL).any()


def test_means_and_intervals(config):
    summary = shift.summarise(config, shift.read_shift(config, SUITE), merge_scores(config, SUITE))
    rows = summary.set_index(["task", "sharing", "measure"])
    for task in (*TASKS, "average"):
        row = rows.loc[(task, "cds", shift.KL)]
        assert (row.n, row["mean"]) == (3, 2.0)
        half = 4.3027 / 3**0.5  # Student's t for three seeds, whose values are 1, 2, 3
        assert (row.low, row.high) == pytest.approx((2 - half, 2 + half), abs=1e-4)
        assert rows.loc[(task, "cds", shift.OVERESTIMATION)]["mean"] == 2.0
    assert rows.loc[("jump", "cds", shift.SCORE)]["mean"] > 0.3


def test_a_missing_run_is_reported(config):
    paths.run_values(config, SUITE, "cql", "hipi", "0-2").unlink()
    frame = shift.merge(config, SUITE)
    assert set(frame.sharing) == set(config.sharing) - {"hipi"}
    found = table(config, shift.summarise(config, frame, merge_scores(config, SUITE)))
    column = found.blocks[0].columns.index("hipi")
    assert all(cells[column].missing for _, cells in found.blocks[0].rows)


def test_table_and_figure(config):
    merging.write_profile(config)
    make(config, "table_shift")
    text = paths.table(config, "distribution_shift", "md").read_text()
    assert "| walker2d-mixed, jump | 2.0 [" in text
    assert config.protocol_sha256[:12] in text
    first = paths.figure(config, "distribution_shift", "svg").read_bytes()
    make(config, "table_shift")
    assert paths.figure(config, "distribution_shift", "svg").read_bytes() == first
