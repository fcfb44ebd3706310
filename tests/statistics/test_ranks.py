"""Ranks over the tasks of all suites, against ranks by hand."""

import numpy as np
import pytest
import scipy.stats

from cds_bench.statistics.headline import headline
from cds_bench.statistics.ranks import ranks
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
    assert frame["friedman_p"].iloc[0] == pytest.approx(
        scipy.stats.friedmanchisquare(*wide.to_numpy().T).pvalue
    )
    assert frame.loc[frame["rank"].idxmin(), "bold"]
    assert (frame["note"] == "").all()


def test_all_methods_of_a_task_are_ranked_by_the_same_seeds(config):
    """A seed that one method lacks counts for none; without any, the task is left out and named."""
    scores = synthetic.scores(config)
    one = (scores["task"] == "jump") & (scores["sharing"] == "cds")
    fewer = scores[~(one & (scores["seed"] == 2))]
    assert (ranks(config, fewer)["seeds"] == 2).all()
    without = scores[~((scores["task"] == "jump") & (scores["seed"] == 2))]
    np.testing.assert_array_equal(ranks(config, fewer)["rank"], ranks(config, without)["rank"])
    frame = ranks(config, scores[~one])
    assert (frame["tasks"] == 5).all()
    assert frame["note"].iloc[0] == "left out, no seed that all methods have: walker2d-mixed, jump"


def test_without_scores_nothing_is_ranked(config):
    frame = ranks(config, synthetic.scores(config).iloc[:0])
    assert frame["rank"].isna().all()
    assert not frame["bold"].any()
    assert (frame["tasks"] == 0).all()
