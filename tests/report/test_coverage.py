"""Coverage: the numbers match the data, and the same data give the same bytes."""

import numpy as np
import pandas as pd
import pytest

import envs
from cds_bench.dataset.store import read_dataset
from cds_bench.report.coverage import COLUMNS
from cds_bench.report.making import make
from cds_bench.storage import paths

SUITE = "walker2d-mixed"


@pytest.fixture(scope="module")
def written(collected):
    make(collected, "coverage", SUITE)
    files = [paths.figure(collected, "coverage", end, SUITE) for end in ("png", "svg")]
    files.append(paths.table(collected, "coverage", "csv", SUITE))
    yield files
    for file in files:
        file.unlink()


def test_mean_rewards_are_the_relabelled_ones(collected, written):
    table = pd.read_csv(written[-1])
    assert list(table) == COLUMNS
    assert len(table) == 9
    for task in envs.SUITES[SUITE].tasks:
        columns, about = read_dataset(paths.dataset(collected, SUITE, task), SUITE, task)
        rows = table[table.task == task].set_index("target")
        assert rows.mean_reward[task] == pytest.approx(columns["rewards"].mean())
        assert (rows.transitions == len(columns["rewards"])).all()
        assert rows.mean_score[task] == pytest.approx(about["mean_score"])
        expected = envs.TASKS["jump"].reward(columns).mean()
        assert rows.mean_reward["jump"] == pytest.approx(expected)
    assert np.isfinite(table.mean_reward).all()


def test_the_same_bytes_twice(collected, written):
    before = [file.read_bytes() for file in written]
    make(collected, "coverage", SUITE)
    assert [file.read_bytes() for file in written] == before
