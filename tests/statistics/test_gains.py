"""The oracle's gain: paired differences from no sharing, against scipy."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from cds_bench.report import targets
from cds_bench.report.making import make
from cds_bench.report.oracle_table import table
from cds_bench.statistics import merging
from cds_bench.statistics.gains import gains, measured
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.schema import merge
from cds_bench.storage import paths
from tests.report import synthetic

SUITE = synthetic.SUITE
SHARING = {name: {} for name in ("random_tenth", "no_sharing", "sharing_all", "cds", "oracle")}


@pytest.fixture
def config(tmp_path):
    algorithms = {"cql": {}, "bc": {"sharing": ["no_sharing"]}}
    config = synthetic.config(tmp_path, algorithms=algorithms, sharing=SHARING)
    synthetic.write(config)
    return config


def test_references_and_sharing_all_are_measured(config):
    assert measured(config) == [
        ("cql", "random_tenth"), ("cql", "oracle"), ("cql", "sharing_all"),
    ]  # fmt: skip


def test_differences_against_scipy(config):
    scores = merge(config, SUITE)
    frame = gains(config, scores, SUITE)
    headlines = headline(scores, config.protocol)
    ours, base = (
        matrix(config, headlines, SUITE, ("cql", s)).mean(axis=1) for s in ("oracle", "no_sharing")
    )
    row = frame.query("sharing == 'oracle' and task == 'average'").iloc[0]
    assert (row["mean"], row["no_sharing"]) == pytest.approx((ours.mean(), base.mean()))
    assert row["difference"] == pytest.approx(row["mean"] - row["no_sharing"])
    permuted = scipy.stats.permutation_test((ours - base,), np.mean, permutation_type="samples")
    assert row["p"] == pytest.approx(permuted.pvalue)
    assert row["low"] <= row["difference"] <= row["high"]


def test_both_means_are_over_the_seeds_that_both_have(config):
    scores = merge(config, SUITE)
    some = scores[(scores["sharing"] != "oracle") | (scores["seed"] > 0)]
    row = gains(config, some, SUITE).query("sharing == 'oracle' and task == 'jump'").iloc[0]
    assert row["n"] == 2
    assert row["difference"] == pytest.approx(row["mean"] - row["no_sharing"])
    assert row["note"] == "oracle: no scores for seed 0"


def test_the_table(config):
    frame = gains(config, merge(config, SUITE), SUITE)
    found = table(config, SUITE, frame)
    assert [block.title for block in found.blocks] == [
        "cql: random_tenth (reference)", "cql: oracle (reference)", "cql: sharing_all",
    ]  # fmt: skip
    assert [name for name, _ in found.blocks[0].rows] == [
        "run-forward", "run-backward", "jump", "average",
    ]  # fmt: skip
    nothing = table(
        config, SUITE, gains(config, pd.DataFrame(columns=merge(config, SUITE).columns), SUITE)
    )
    assert nothing.blocks[0].rows[0][1][1].missing


def test_the_files_are_written_if_the_profile_has_references(config, tmp_path):
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    table = paths.table(config, "oracle", "md", SUITE)
    assert table.exists()
    assert str(table) in targets.outputs(config, "table", SUITE)
    plain = synthetic.config(tmp_path / "plain")
    merging.write_suite(plain, SUITE)
    make(plain, "table", SUITE)
    table = paths.table(plain, "oracle", "md", SUITE)
    assert not table.exists()
    assert str(table) not in targets.outputs(plain, "table", SUITE)
