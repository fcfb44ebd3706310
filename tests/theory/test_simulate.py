"""The experiment: its determinism, its rows and the statistics of weights."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from cds_bench.errors import BenchError
from cds_bench.report import plotting, theory_figure
from cds_bench.theory.simulate import (
    CLONE,
    OPTIMAL,
    TINY,
    Settings,
    by_rank,
    calibrate,
    simulate,
    spearman,
)
from cds_bench.theory.strategies import STRATEGIES
from tests.report.pages import sentences

SMALL = replace(TINY, mdps=4, transitions=(30,), calibration=4, rounds=3)


@pytest.fixture(scope="module")
def frame():
    return simulate(SMALL)


def test_there_is_a_row_per_world_case_and_strategy(frame):
    keys = ["mdp", "alpha", "transitions", "strategy"]
    assert len(frame) == 4 * len(SMALL.cases) * (len(STRATEGIES) + 2)
    assert not frame.duplicated(keys).any()
    assert set(frame["strategy"]) == {CLONE, OPTIMAL, *STRATEGIES}
    same = frame.groupby("mdp")[["behaviour_value", "optimal_value"]].agg(np.ptp)
    assert (same < 1e-9).all(axis=None)
    assert (frame["value"] <= frame["optimal_value"] + 1e-9).all()
    numbers = frame[["value", "effective_data", "divergence", "sampling", "zeta"]]
    assert np.isfinite(numbers).all(axis=None)


def test_the_columns_are_consistent(frame):
    gap = 100 * (frame["value"] - frame["behaviour_value"]) / frame["optimal_value"]
    np.testing.assert_allclose(frame["gap"], gap)
    conservatism = frame["alpha"] / (1 - SMALL.discount) * frame["divergence"]
    np.testing.assert_allclose(frame["conservatism"], conservatism, atol=1e-12)
    gain = frame["conservatism"] + frame["effective_value"] - frame["behaviour_value"]
    np.testing.assert_allclose(frame["zeta"], frame["constant"] * frame["sampling"] - gain)
    by_name = frame.set_index("strategy")
    assert (by_name.loc["no_sharing", "effective_data"] == 30).all()
    np.testing.assert_allclose(by_name.loc["sharing_all", "effective_data"], 90)
    best = frame.groupby(["mdp", "alpha"])["zeta"].min()
    optimal = by_name.loc[OPTIMAL].set_index(["mdp", "alpha"])["zeta"]
    np.testing.assert_allclose(optimal, best, atol=1e-8)


def test_the_same_settings_give_the_same_frame_and_progress_reaches_the_total(frame):
    seen = []
    pd.testing.assert_frame_equal(frame, simulate(SMALL, seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == SMALL.mdps * len(SMALL.cases)


def test_a_world_does_not_depend_on_the_number_of_worlds(frame):
    fewer = simulate(replace(SMALL, mdps=2))
    columns = ["mdp", "strategy", "value", "behaviour_value", "zeta", "gain_correlation"]
    same = frame[frame["mdp"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(fewer[columns], same[columns], rtol=1e-6)


def test_the_constant_grows_with_the_confidence():
    wide, narrow = (calibrate(replace(SMALL, confidence=c), 0.1) for c in (1.0, 0.5))
    assert wide >= narrow >= 0
    assert wide > 0


def test_rank_correlation_is_scipys_and_undefined_for_constants():
    rng = np.random.default_rng(0)
    weights, other = rng.integers(0, 3, (3, 4, 2)).astype(float), rng.random((3, 4, 2))
    other[0, 0], weights[2] = np.nan, 0.5
    found = spearman(weights, other)
    assert found[0] == pytest.approx(spearmanr(weights[0, 1:], other[0, 1:], axis=None)[0])
    assert found[1] == pytest.approx(spearmanr(weights[1], other[1], axis=None)[0])
    assert np.isnan(found[2])


def test_weights_by_fifths_of_delta():
    delta = np.arange(10.0)[::-1].reshape(1, 5, 2)
    np.testing.assert_allclose(by_rank(delta / 10, delta), [[0.05, 0.25, 0.45, 0.65, 0.85]])
    delta[0, :3] = np.nan
    assert np.isnan(by_rank(np.ones_like(delta), delta)).sum() == 1  # four pairs in five bins


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(BenchError, match="mdps"):
        Settings(mdps=0)
    with pytest.raises(BenchError, match=r"alphas are \(0.1, 0\)"):
        Settings(alphas=(0.1, 0))


def test_the_text_on_the_figure_has_at_most_two_sentences(frame):
    with plotting.style():
        assert sentences(theory_figure.figure(frame)._suptitle.get_text()) <= 2
