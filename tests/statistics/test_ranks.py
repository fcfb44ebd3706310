"""Ranks over the tasks of all suites, compared with ranks by hand."""

import numpy as np
import pytest
import scipy.stats

from cds_bench.seeding import stream
from cds_bench.statistics.headline import headline
from cds_bench.statistics.ranks import range_test, ranks
from tests.report import synthetic

SUITES = {"walker2d-mixed": {}, "pointmaze-medium-directed": {}}


@pytest.fixture
def config(tmp_path):
    config = synthetic.config(tmp_path, suites=SUITES)
    synthetic.write(config)
    return config


def test_ranks_are_those_of_the_mean_headlines(config):
    scores = synthetic.scores(config)
    frame = ranks(config, scores)
    means = headline(scores, config.protocol).groupby(["suite", "task", "sharing"])
    wide = means["normalized_score"].mean().unstack("sharing")[list(config.sharing)]
    np.testing.assert_allclose(frame["rank"], wide.rank(axis=1, ascending=False).mean())
    assert (frame["tasks"] == 6).all()
    assert (frame["seeds"] == 3).all()
    assert not frame["bold"].any(), "three seeds do not tell methods apart"
    assert (frame["note"] == "").all()


def test_all_methods_of_a_task_are_ranked_by_the_same_seeds(config):
    """If a method lacks a seed, it counts for no method. A task without seeds is left out."""
    scores = synthetic.scores(config)
    one = (scores["task"] == "jump") & (scores["sharing"] == "cds")
    fewer = scores[~(one & (scores["seed"] == 2))]
    assert (ranks(config, fewer)["seeds"] == 2).all()
    without = scores[~((scores["task"] == "jump") & (scores["seed"] == 2))]
    np.testing.assert_array_equal(ranks(config, fewer)["rank"], ranks(config, without)["rank"])
    frame = ranks(config, scores[~one])
    assert (frame["tasks"] == 5).all()
    assert frame["note"].iloc[0] == "left out, no seed that all methods have: walker2d-mixed, jump"


def test_equal_means_share_their_ranks_in_whatever_order_they_are_summed(config):
    scores = synthetic.scores(config)
    for sharing, rates in (("no_sharing", (0.1, 0.2, 0.3)), ("cds", (0.3, 0.2, 0.1))):
        for seed, rate in enumerate(rates):
            rows = (scores["sharing"] == sharing) & (scores["seed"] == seed)
            scores.loc[rows, "normalized_score"] = rate
    found = ranks(config, scores).set_index("sharing")["rank"]
    assert found["no_sharing"] == found["cds"]


def test_without_scores_nothing_is_ranked(config):
    frame = ranks(config, synthetic.scores(config).iloc[:0])
    assert frame["rank"].isna().all()
    assert not frame["bold"].any()
    assert (frame["tasks"] == 0).all()


def test_the_best_rank_is_bold_with_five_seeds(tmp_path):
    config = synthetic.config(tmp_path, seeds=5, seeds_per_job=5, suites=SUITES)
    synthetic.write(config)
    frame = ranks(config, synthetic.scores(config))
    assert frame.loc[frame["rank"].idxmin(), "bold"]
    assert not frame.loc[frame["rank"].idxmax(), "bold"]
    assert frame["p"].iloc[0] < 0.05


def test_the_range_test_is_the_exact_permutation_test_of_two_methods():
    """With one task and suite, exchanging methods in a seed flips the sign of a difference."""
    values = stream("ranks").normal(size=(2, 4, 1))
    p, difference = range_test([values], stream("draws"), 2000, 0.05)
    assert p == 1.0, "either order has a range of 1"
    assert difference == 1.0
    ahead = np.array([1.0, 0.0]).reshape(2, 1, 1)
    suites = [ahead + stream("several", place).normal(0, 0.1, (2, 3, 1)) for place in "abc"]
    p, _ = range_test(suites, stream("draws"), 20_000, 0.05)
    # the sign of a suite's total gives its order; all orders agree in 2 of 8 cases
    assert p == pytest.approx(0.25, abs=0.02)


def _correlated(rng, discrete: bool) -> np.ndarray:
    """A suite of equal methods, with five seeds and ten tasks whose scores correlate by 0.6."""
    methods, seeds, tasks = 4, 5, 10
    values = np.sqrt(0.6) * rng.normal(size=(methods, seeds, 1))
    values = values + np.sqrt(0.4) * rng.normal(size=(methods, seeds, tasks))
    return np.round(values) if discrete else values


@pytest.mark.parametrize("discrete", [False, True])
def test_equal_methods_are_told_apart_in_at_most_five_per_cent_of_cases(discrete):
    """Friedman's test assumes independent tasks, and rejects here in more than 25 % of cases."""
    rng, cases = stream("null ranks", discrete), 300
    suites = [_correlated(rng, discrete) for _ in range(cases)]
    friedman = [
        scipy.stats.friedmanchisquare(*values.mean(axis=1)).pvalue < 0.05 for values in suites
    ]
    assert np.mean(friedman) > 0.25
    rejected = [range_test([values], rng, 99, 0.05)[0] <= 0.05 for values in suites]
    assert np.mean(rejected) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / cases)
