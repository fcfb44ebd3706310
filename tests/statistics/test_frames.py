"""Headlines, summaries, comparisons and curves from whole frames."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from cds_bench.report.tables import comparison_table, suite_table
from cds_bench.statistics.aggregates import probability_of_improvement
from cds_bench.statistics.claims import claims
from cds_bench.statistics.comparisons import COLUMNS, comparisons
from cds_bench.statistics.curves import curve
from cds_bench.statistics.headline import headline, matrix, methods, note
from cds_bench.statistics.ranks import ranks
from cds_bench.statistics.schema import merge
from cds_bench.statistics.summary import summarise
from cds_bench.storage.columns import SHIFT
from tests.report import synthetic

SUITE = synthetic.SUITE
TASKS = ("run-forward", "run-backward", "jump")


@pytest.fixture
def config(tmp_path):
    return synthetic.config(tmp_path)


@pytest.fixture
def scores(config):
    synthetic.write(config)
    return merge(config, SUITE)


def cell(frame, **key):
    for column, value in key.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def without(scores, **key):
    """The scores without the rows that match all of `key`."""
    match = np.logical_and.reduce([scores[column] == value for column, value in key.items()])
    return scores[~match]


def test_headline_is_the_mean_of_the_last_snapshots(config, scores):
    run = scores.query("task == 'jump' and sharing == 'cds' and seed == 1").sort_values("step")
    row = cell(headline(scores, config.protocol), task="jump", sharing="cds", seed=1)
    assert list(run["step"].tail(5)) == [90_000, 92_500, 95_000, 97_500, 100_000]
    assert row["normalized_score"] == pytest.approx(run["normalized_score"].tail(5).mean())
    assert row["score"] == pytest.approx(run["score"].tail(5).mean())
    assert row["snapshots"] == 5


def test_success_at_the_end_is_kept_and_not_averaged_in(tmp_path):
    """Both metrics have rows, but tables and curves compare the task's own metric."""
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    scores = merge(config, maze)
    assert set(scores["metric"]) == {"success", "success_at_end"}
    own = scores[scores["metric"] == "success"]
    pd.testing.assert_frame_equal(headline(scores, config.protocol), headline(own, config.protocol))
    pd.testing.assert_frame_equal(comparisons(config, scores, maze), comparisons(config, own, maze))
    task, method = "pointmaze-medium-16-20", ("cql", "cds")
    found, expected = (curve(config, rows, maze, task, method) for rows in (scores, own))
    np.testing.assert_array_equal(found.mean, expected.mean)
    assert found.n == 3
    run = own.query("task == @task and sharing == 'cds' and seed == 0").sort_values("step")
    row = cell(headline(scores, config.protocol), task=task, sharing="cds", seed=0)
    assert row["score"] == pytest.approx(run["score"].tail(5).mean())
    assert row["snapshots"] == 5


def test_the_same_snapshots_in_another_order_have_the_same_headline(config, scores):
    values = np.random.default_rng(0).uniform(size=config.protocol.final_snapshots)
    last = sorted(scores["step"].unique())[-len(values) :]
    for seed in range(config.seeds):
        for place, step in enumerate(last):
            rows = (scores["seed"] == seed) & (scores["step"] == step)
            scores.loc[rows, "normalized_score"] = np.roll(values, seed)[place]
    assert headline(scores, config.protocol)["normalized_score"].nunique() == 1


def test_headline_does_not_pad_a_task_with_earlier_steps(config, scores):
    scores = without(scores, task="jump", step=97_500)
    assert set(headline(scores, config.protocol).query("task == 'jump'")["snapshots"]) == {4}
    assert "4 of 5 snapshots" in cell(
        summarise(config, scores, SUITE), task="jump", sharing="cds"
    )["note"]  # fmt: skip


def test_matrix_has_the_configured_seeds_and_the_suites_tasks(config, scores):
    scores = without(scores, task="jump", seed=1)
    more = scores.assign(seed=scores["seed"] + 1)  # seeds 1 to 3; the configuration has 0 to 2
    found = matrix(config, headline(more, config.protocol), SUITE, ("cql", "cds"))
    np.testing.assert_array_equal(np.isnan(found), [[True] * 3, [False] * 3, [False, False, True]])
    assert note(found, TASKS) == "no scores for seed 0; seed 2 left out: no jump"


def test_unknown_methods_follow_the_configured_ones(config, scores):
    other = scores[scores["sharing"] == "cds"].assign(algorithm="utds", sharing="all")
    assert methods(config, other, SUITE) == [("cql", s) for s in config.sharing] + [("utds", "all")]


def test_summary_against_numpy_and_scipy(tmp_path, scores):
    config = synthetic.config(tmp_path, protocol={"resamples": 10_000})
    summary = summarise(config, scores, SUITE)
    assert list(summary["task"].unique()) == [*TASKS, "average", "iqm"]
    values = matrix(config, headline(scores, config.protocol), SUITE, ("cql", "cds"))
    assert cell(summary, task="jump", sharing="cds")["mean"] == pytest.approx(values[:, 2].mean())
    average = cell(summary, task="average", sharing="cds")
    assert average["mean"] == pytest.approx(values.mean())
    expected = scipy.stats.ttest_1samp(values.mean(axis=1), 0).confidence_interval(0.95)
    assert (average["low"], average["high"]) == pytest.approx(tuple(expected))
    assert cell(summary, task="iqm", sharing="cds")["mean"] == pytest.approx(
        scipy.stats.trim_mean(values.ravel(), 0.25)
    )
    assert (summary["note"] == "").all()
    assert not summary.loc[summary["task"] == "iqm", "bold"].any()
    assert not summary["bold"].any(), "three seeds do not tell methods apart"


def test_with_five_seeds_the_best_is_bold(tmp_path):
    config = synthetic.config(tmp_path, seeds=5, seeds_per_job=5)
    synthetic.write(config)
    summary = summarise(config, merge(config, SUITE), SUITE)
    best = summary.loc[summary.groupby("task")["mean"].idxmax()]
    assert best.loc[best["task"] != "iqm", "bold"].all()
    assert not summary.loc[summary["task"] == "iqm", "bold"].any()


def test_rates_on_which_all_seeds_agree_have_wilsons_interval(tmp_path):
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    scores = merge(config, maze)
    same = scores["sharing"] == "cds"
    scores.loc[same, ["score", "normalized_score"]] = 0.0
    row = cell(summarise(config, scores, maze), task="pointmaze-medium-16-20", sharing="cds")
    trials = 3 * config.protocol.final_snapshots * config.protocol.final_episodes
    expected = scipy.stats.binomtest(0, trials).proportion_ci(0.95, "wilson")
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    mean = cell(summarise(config, scores, maze), task="average", sharing="cds")
    assert 0 < mean["high"] < row["high"]


def test_intervals_do_not_depend_on_the_other_methods(config, scores):
    some = scores[scores["sharing"].isin(["cds", "hipi"])]
    key = {"task": "iqm", "sharing": "cds"}
    one = cell(summarise(config, scores, SUITE), **key)
    other = cell(summarise(config, some, SUITE), **key)
    assert (one["low"], one["high"]) == (other["low"], other["high"])


def test_missing_cells_are_named_and_left_out_of_the_average(config, scores):
    scores = without(without(scores, sharing="hipi"), sharing="cds", task="jump", seed=2)
    summary = summarise(config, scores, SUITE)
    gone = cell(summary, task="jump", sharing="hipi")
    assert gone["n"] == 0
    assert np.isnan(gone["mean"])
    assert gone["note"] == "no scores for seeds 0, 1, 2"
    assert cell(summary, task="jump", sharing="cds")["n"] == 2
    for row in ("average", "iqm"):
        found = cell(summary, task=row, sharing="cds")
        assert found["n"] == 2
        assert found["note"] == "seed 2 left out: no jump"
    values = matrix(config, headline(scores, config.protocol), SUITE, ("cql", "cds"))
    assert cell(summary, task="average", sharing="cds")["mean"] == pytest.approx(values[:2].mean())


def test_comparisons(config, scores):
    frame = comparisons(config, scores, SUITE)
    assert list(frame) == COLUMNS
    assert list(frame["task"].unique()) == [*TASKS, "average"]
    assert list(frame["sharing"].unique()) == [s for s in config.sharing if s != "cds"]
    headlines = headline(scores, config.protocol)
    ours = matrix(config, headlines, SUITE, ("cql", "hipi"))
    cds = matrix(config, headlines, SUITE, ("cql", "cds"))
    row = cell(frame, task="average", sharing="hipi")
    assert row["difference"] == pytest.approx((ours - cds).mean())
    assert row["n"] == 3
    assert row["p"] == pytest.approx(
        scipy.stats.permutation_test(
            ((ours - cds).mean(axis=1),), np.mean, permutation_type="samples"
        ).pvalue
    )
    assert row["low"] <= row["difference"] <= row["high"]
    sides = ours.mean(axis=1), cds.mean(axis=1)
    assert row["correlation"] == pytest.approx(np.corrcoef(*sides)[0, 1])
    assert row["p_welch"] == pytest.approx(scipy.stats.ttest_ind(*sides, equal_var=False).pvalue)
    assert row["improvement"] == pytest.approx(probability_of_improvement(ours, cds))
    assert row["improvement_low"] <= row["improvement"] <= row["improvement_high"]
    for _, group in frame.groupby("task"):
        assert group["p_corrected"].iloc[group["p"].argmin()] == min(1, 4 * group["p"].min())


def test_comparisons_pair_the_seeds_that_both_have(config, scores):
    scores = without(without(scores, sharing="hipi", seed=0), sharing="cds", task="jump", seed=2)
    frame = comparisons(config, scores, SUITE)
    assert cell(frame, task="run-forward", sharing="hipi")["n"] == 2
    average = cell(frame, task="average", sharing="hipi")
    assert average["n"] == 1
    assert average["p"] == 1.0
    assert np.isnan([average["low"], average["effect_size"]]).all()
    assert average["note"] == "hipi: no scores for seed 0; cds: seed 2 left out: no jump"


def test_without_scores_everything_is_missing(config):
    scores = merge(config, SUITE)
    assert (comparisons(config, scores, SUITE)["n"] == 0).all()
    assert (summarise(config, scores, SUITE)["n"] == 0).all()
    assert curve(config, scores, SUITE, "jump", ("cql", "cds")).n == 0


def test_a_single_seed_has_no_interval_and_no_bold(tmp_path):
    config = synthetic.config(tmp_path, seeds=1, seeds_per_job=1)
    synthetic.write(config)
    summary = summarise(config, merge(config, SUITE), SUITE)
    assert (summary["n"] == 1).all()
    assert summary["low"].isna().all()
    assert not summary["bold"].any()


def test_curves_average_the_same_seeds_at_every_step(config, scores):
    gone = without(scores, seed=1, step=50_000)
    found = curve(config, gone, SUITE, "jump", ("cql", "cds"))
    assert found.n == 3
    assert 50_000 not in found.steps
    assert len(found.steps) == len(synthetic.STEPS) - 1
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()


CLONED = {"cql": {}, "bc": {"sharing": ["no_sharing"]}}


def test_a_restricted_algorithm_has_only_its_own_methods(tmp_path):
    config = synthetic.config(tmp_path, algorithms=CLONED)
    synthetic.write(config)
    summary = summarise(config, scores := merge(config, SUITE), SUITE)
    assert set(summary.query("algorithm == 'bc'")["sharing"]) == {"no_sharing"}
    assert (summary["n"] == 3).all(), "nothing is missing"
    frame = comparisons(config, scores, SUITE).query("algorithm == 'bc' and task == 'average'")
    assert frame[["sharing", "reference"]].to_numpy().tolist() == [
        ["no_sharing", "cql x no_sharing"]
    ]


def test_an_algorithm_without_the_reference_strategy_is_compared_with_nothing(tmp_path):
    config = synthetic.config(
        tmp_path, algorithms={"cql": {"sharing": ["no_sharing", "hipi"]}, "brac": {}}
    )
    frame = comparisons(config, merge(config, SUITE), SUITE).query("task == 'average'")
    assert set(frame["algorithm"]) == {"brac"}
    assert set(frame["sharing"]) == {"no_sharing", "sharing_all", "hipi", "cds_basic"}
    caption = " ".join(comparison_table(config, SUITE, frame).caption)
    assert "not trained with cds: cql x no_sharing, cql x hipi." in caption
    none = synthetic.config(tmp_path, algorithms={"cql": {"sharing": ["no_sharing"]}})
    rows = comparisons(none, merge(none, SUITE), SUITE)
    assert comparison_table(none, SUITE, rows).blocks[0].rows == ()


def test_references_are_shown_but_do_not_compete(tmp_path, stand_in):
    """A reference far above everything changes neither bold cells nor comparisons."""
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    scores = merge(config, SUITE)
    sharing = {stand_in: {}, **config.sharing}
    more = synthetic.config(tmp_path, sharing=sharing)
    best = scores[scores["sharing"] == "cds"].assign(sharing=stand_in)
    best["normalized_score"] += 10
    both = pd.concat([scores, best], ignore_index=True)
    found = summarise(more, both, SUITE)
    assert list(found.query("task == 'jump'")["sharing"]) == [*config.sharing, stand_in]
    shown = found["sharing"] == stand_in
    assert not found.loc[shown, "bold"].any()
    assert (found.loc[shown, "n"] == 3).all()
    pd.testing.assert_frame_equal(
        found[~shown].reset_index(drop=True), summarise(config, scores, SUITE)
    )
    pd.testing.assert_frame_equal(
        comparisons(more, both, SUITE), comparisons(config, scores, SUITE)
    )
    pd.testing.assert_frame_equal(ranks(more, both), ranks(config, scores))
    nothing = pd.DataFrame(columns=SHIFT)
    pd.testing.assert_frame_equal(claims(more, both, nothing), claims(config, scores, nothing))
    table = suite_table(more, SUITE, found)
    assert table.blocks[0].columns[-1] == "stand_in (reference)"
