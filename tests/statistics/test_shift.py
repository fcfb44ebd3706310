"""Distribution shift over runs: what is merged, and the means and intervals of the table."""

import numpy as np
import pandas as pd
import pytest

from cds_bench.report.making import make
from cds_bench.report.shift_table import table
from cds_bench.statistics import merging, shift
from cds_bench.statistics.schema import merge as merge_scores
from cds_bench.storage import files, paths
from tests.report import synthetic

SUITE = synthetic.SUITE
TASKS = ("run-forward", "run-backward", "jump")


@pytest.fixture
def config(tmp_path):
    """Scores as ever; a seed's shift is 1 + seed, its critic 2 above its return of 10."""
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


def test_merged(config):
    found = shift.read_shift(config, SUITE)
    assert list(found.columns) == shift.COLUMNS
    assert len(found) == 5 * 3 * 3
    np.testing.assert_allclose(found.overestimation, 2.0)
    assert not found.duplicated(shift.KEY).any()


def test_means_and_intervals(config):
    summary = shift.summarise(config, shift.read_shift(config, SUITE), merge_scores(config, SUITE))
    rows = summary.set_index(["task", "sharing", "measure"])
    for task in (*TASKS, "average"):
        row = rows.loc[(task, "cds", shift.KL)]
        assert (row.n, row["mean"]) == (3, 2.0)
        assert 1.0 <= row.low < 1.4
        assert 2.6 < row.high <= 3.0
        assert rows.loc[(task, "cds", shift.OVERESTIMATION)]["mean"] == 2.0
    assert rows.loc[("jump", "cds", shift.SCORE)]["mean"] > 0.3


def test_a_run_that_is_missing_is_said_to_be(config):
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
