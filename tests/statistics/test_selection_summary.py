"""Measures of what strategies select: values by hand, means over runs, and missing values."""

import numpy as np
import pandas as pd
import pytest

from cds_bench.statistics import metrics, selection
from cds_bench.storage import files, paths
from tests.report import synthetic

SUITE = synthetic.SUITE
TASKS = ("run-forward", "run-backward", "jump")
KEY = ["task", "sharing", "measure"]


def logged(values: dict[str, float], seed=0, step=10, target="a") -> pd.DataFrame:
    rows = [("cql", "cds", seed, step, name, target, value) for name, value in values.items()]
    return pd.DataFrame(rows, columns=selection.COLUMNS)


@pytest.fixture
def config(tmp_path):
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    return config


def test_means_over_log_points_by_hand():
    frame = pd.concat(
        [
            logged({"auc": 0.5, "weight": 0.2, "weight_d9": 0.1, "weight_d10": 0.3}),
            logged({"auc": np.nan, "weight": 0.4, "weight_d9": 0.6}, step=20),
            logged({"auc": 0.7, "weight": 0.0, "weight_d10": 0.0}, seed=1),
        ]
    )
    found = selection.per_seed(frame, ("a",))
    assert found["auc"]["a"].to_dict() == {0: 0.5, 1: 0.7}
    lift = found["top_decile_lift"]["a"]
    assert lift[0] == pytest.approx((0.3 + 0.6) / (0.2 + 0.4)), (
        "the next decile replaces an empty one"
    )
    assert np.isnan(lift[1]), "nothing was selected"
    assert found["spearman"].isna().all(axis=None)


def test_the_average_needs_all_targets():
    both = [logged({"auc": 0.6}), logged({"auc": 0.8}, target="b"), logged({"auc": 0.9}, seed=1)]
    found = selection.per_seed(pd.concat(both), ("a", "b"))["auc"]
    assert found["average"].to_dict() == pytest.approx({0: 0.7, 1: np.nan}, nan_ok=True)


def test_the_foreign_share_is_one_minus_the_own_share(config):
    frame = selection.read_selection(config, SUITE)
    assert list(frame.columns) == selection.COLUMNS
    names = ("weight", "effective_share")
    raw = metrics.read_metrics(config, SUITE, "cql", "cds", names)
    own = raw[(raw.metric == "effective_share") & (raw.source == raw.target)]
    expected = 1 - own.set_index(["seed", "step", "target"]).value
    rows = frame[(frame.sharing == "cds") & (frame.metric == selection.FOREIGN)]
    found = rows.set_index(["seed", "step", "target"]).value
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index())


def test_only_the_last_half_counts(config):
    frame = selection.read_selection(config, SUITE)
    summary = selection.summarise(config, SUITE, frame).set_index(KEY)
    late = frame[(frame.sharing == "cds") & (frame.metric == "auc") & (frame.step > 50_000)]
    expected = late.groupby("target").value.mean()
    for task in TASKS:
        row = summary.loc[(task, "cds", "auc")]
        assert row["mean"] == pytest.approx(expected[task])
        assert (row["n"], row["seeds"]) == (3, 3)
        assert row["low"] <= row["mean"] <= row["high"]
    assert summary.loc[("average", "cds", "auc"), "mean"] == pytest.approx(expected.mean())


def test_the_measures_of_sharing_everything_and_of_sharing_nothing(config):
    frame = selection.read_selection(config, SUITE)
    summary = selection.summarise(config, SUITE, frame).set_index(KEY)
    everything = summary.xs("sharing_all", level="sharing")
    assert (everything.xs("auc", level="measure")["mean"] == 0.5).all()
    assert (everything.xs("spearman", level="measure")["n"] == 0).all()
    assert (everything.xs("top_decile_lift", level="measure")["mean"] == 1).all()
    nothing = summary.xs("no_sharing", level="sharing")
    assert (nothing.xs("foreign_share", level="measure")["mean"] == 0).all()
    assert (nothing.drop(index="foreign_share", level="measure")["n"] == 0).all()
    assert (nothing["seeds"] == 3).all()


def test_missing_runs_and_seeds_that_failed(tmp_path):
    config = synthetic.config(tmp_path, seeds_per_job=1, sharing={"cds": {}, "hipi": {}})
    frame = selection.read_selection(config, SUITE)
    summary = selection.summarise(config, SUITE, frame)
    assert (summary["seeds"] == 0).all()
    assert summary["mean"].isna().all()
    assert selection.deciles(frame).empty
    synthetic.write(config.model_copy(update={"sharing": {"cds": {}}}))
    path = paths.run(config, SUITE, "cql", "cds", "1-1") / "metrics.csv"
    failed = pd.read_csv(path)
    files.write_csv(path, failed[failed.step < 30_000])
    synthetic.seal(config, (SUITE, "cql", "cds", "1-1"))
    summary = selection.summarise(config, SUITE, selection.read_selection(config, SUITE))
    rows = summary[summary["measure"] == "auc"].set_index(["sharing", "task"])
    assert (rows.loc["cds", "n"] == 2).all(), "the failed seed has no log points in the last half"
    assert (rows.loc["hipi", "seeds"] == 0).all()


def test_weights_by_decile(config):
    found = selection.deciles(selection.read_selection(config, SUITE))
    line = found.loc["cql", "cds", "run-forward"]
    assert list(line.index) == list(range(1, 11))
    assert line.is_monotonic_increasing
    assert found.loc["cql", "cds", "jump"].isna().sum() == 4
    assert "no_sharing" not in found.index.get_level_values("sharing")
