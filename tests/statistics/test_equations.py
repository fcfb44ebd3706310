"""Estimates, intervals and tests agree with scipy, enumeration and numbers by hand."""

import itertools

import numpy as np
import pytest
import scipy.stats

from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import (
    average_ranks,
    iqm,
    performance_profile,
    probability_of_improvement,
)
from cds_bench.statistics.intervals import (
    stratified_improvement,
    stratified_iqm,
    stratified_profile,
)
from cds_bench.statistics.significance import (
    bonferroni,
    effect_size,
    holm,
    paired_t,
    sign_flip,
)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 18, 101])
def test_iqm_is_scipys_trimmed_mean(n):
    values = stream("test", n).normal(size=(4, n))
    np.testing.assert_allclose(iqm(values), scipy.stats.trim_mean(values, 0.25, axis=1))


def test_iqm_of_ties_of_nan_and_of_no_values():
    assert iqm(np.array([1.0, 1.0, 1.0, 9.0])) == 1.0
    assert np.isnan(iqm(np.array([1.0, np.nan, 2.0, 3.0])))
    assert np.isnan(iqm(np.empty(0)))


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_sign_flip_is_scipys_exact_permutation_test(n):
    differences = stream("test", n).normal(0.5, 1, n)
    expected = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip(differences, stream("unused"), 1) == pytest.approx(expected)


def test_sign_flip_counts_ties_by_enumeration():
    differences = np.array([0.1, 0.2, 0.3, -0.1, 0.0])
    totals = [
        abs(round(10 * np.dot(signs, differences)))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    expected = np.mean(np.array(totals) >= 5)
    assert sign_flip(differences, stream("unused"), 1) == expected


def test_sign_flip_at_its_edges():
    rng = stream("edges")
    assert np.isnan(sign_flip(np.empty(0), rng, 10))
    assert sign_flip(np.array([3.0]), rng, 10) == 1.0
    assert sign_flip(np.array([1.0, 2.0, 3.0]), rng, 10) == 0.25
    assert sign_flip(np.zeros(3), rng, 10) == 1.0


def test_sign_flip_by_monte_carlo_is_seeded_and_close_to_the_normal_limit():
    differences = stream("many").normal(0.3, 1, 40)
    p = sign_flip(differences, stream("mc"), 20_000)
    assert p == sign_flip(differences, stream("mc"), 20_000)
    assert p == pytest.approx(paired_t(differences), abs=0.02)
    assert sign_flip(np.ones(40), stream("mc"), 99) == pytest.approx(0.01)


def test_holm_by_hand():
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, np.nan, 0.6])), [1.0, np.nan, 1.0])
    assert np.isnan(holm(np.array([np.nan]))).all()
    assert holm(np.empty(0)).shape == (0,)


def test_paired_t_is_scipys():
    a, b = stream("t").normal(size=(2, 6))
    assert paired_t(a - b) == pytest.approx(scipy.stats.ttest_rel(a, b).pvalue)
    assert np.isnan(paired_t(np.array([1.0])))
    assert paired_t(np.zeros(3)) == 1.0
    assert paired_t(np.full(3, 0.1)) == 0.0


def test_effect_size():
    # d_z = 2 / 1, Hedges 1 - 3 / (4 * 2 - 1) = 4 / 7
    assert effect_size(np.array([1.0, 2.0, 3.0])) == pytest.approx(8 / 7)
    assert np.isnan(effect_size(np.array([1.0])))
    assert np.isnan(effect_size(np.array([1.0, 2.0])))
    assert effect_size(np.zeros(3)) == 0.0
    assert effect_size(np.array([0.3 - 0.1, 0.4 - 0.2, 0.2])) == np.inf
    assert effect_size(np.array([-0.2] * 4)) == -np.inf


def test_stratified_bootstrap_depends_on_its_generator_alone():
    values = stream("strata").normal(size=(4, 3))
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = stratified_iqm(values, stream("s"), 500, 0.95)
    np.random.seed(1)  # noqa: NPY002
    assert stratified_iqm(values, stream("s"), 500, 0.95) == first
    assert stratified_iqm(values, stream("other"), 500, 0.95) != first
    np.random.seed(0)  # noqa: NPY002
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert np.isnan(stratified_iqm(values[:1], stream("s"), 10, 0.95)).all()


def test_stratified_bootstrap_draws_within_tasks():
    # The two tasks never overlap. Each resample has the same number of runs from both.
    values = np.column_stack([np.zeros(4), np.ones(4)])
    assert stratified_iqm(values, stream("s"), 200, 0.95) == (0.5, 0.5)


@pytest.mark.parametrize("correction", [holm, bonferroni])
def test_corrected_tests_of_true_hypotheses_reject_too_rarely_rather_than_too_often(correction):
    rng = stream("null")
    families = rng.normal(size=(1000, 4, 8))
    least = [correction([sign_flip(d, rng, 1) for d in family]).min() for family in families]
    assert np.mean(np.array(least) < 0.05) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_bonferroni():
    np.testing.assert_allclose(bonferroni([0.01, np.nan, 0.6]), [0.02, np.nan, 1.0])


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_one_sided_sign_flip_is_scipys(alternative):
    differences = stream("one-sided").normal(0.4, 1, 7)
    expected = scipy.stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=np.inf,
        alternative=alternative,
    ).pvalue
    assert sign_flip(differences, stream("unused"), 1, alternative) == pytest.approx(expected)
    assert sign_flip(np.ones(3), stream("unused"), 1, "greater") == 0.125


def test_probability_of_improvement_is_mann_whitneys_u():
    rng = stream("improvement")
    ours, theirs = rng.integers(5, size=(6, 3)), rng.integers(5, size=(4, 3))  # with ties
    expected = [
        scipy.stats.mannwhitneyu(x, y).statistic / 24 for x, y in zip(ours.T, theirs.T, strict=True)
    ]
    assert probability_of_improvement(ours, theirs) == pytest.approx(np.mean(expected))
    assert probability_of_improvement(ours, ours) == 0.5
    thirds, ones = np.full((3, 1), 0.333333333), np.full((3, 1), np.mean([1, 0, 0]))
    assert probability_of_improvement(thirds, ones) == 0.5, "files have nine digits"
    assert np.isnan(probability_of_improvement(np.empty((0, 3)), theirs))


def test_interval_of_the_probability_of_improvement_resamples_runs():
    """The interval agrees with one that draws the runs themselves, task by task."""
    ours, theirs = stream("pair").normal(size=(2, 5, 2))
    ours = ours + 0.5
    rng = stream("by hand")
    drawn = [
        probability_of_improvement(
            np.take_along_axis(ours, rng.integers(5, size=(5, 2)), 0),
            np.take_along_axis(theirs, rng.integers(5, size=(5, 2)), 0),
        )
        for _ in range(4000)
    ]
    found = stratified_improvement(ours, theirs, stream("a"), 4000, 0.9)
    np.testing.assert_allclose(found, np.quantile(drawn, [0.05, 0.95]), atol=0.03)
    assert np.isnan(stratified_improvement(ours[:1], theirs, stream("a"), 10, 0.9)).all()


def test_performance_profile_by_hand():
    values = np.array([0.0, 0.5, 0.5, 1.0])
    profile = performance_profile(values, np.array([-1.0, 0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(profile, [1.0, 0.75, 0.25, 0.0])
    assert np.isnan(performance_profile(np.empty(0), np.zeros(2))).all()
    runs, thresholds = stream("runs").normal(size=(4, 3)), np.linspace(-2, 2, 9)
    low, high = stratified_profile(runs, thresholds, stream("band"), 500, 0.95)
    exact = performance_profile(runs.ravel(), thresholds)
    assert ((low <= exact) & (exact <= high)).all()
    assert np.isnan(stratified_profile(runs[:1], thresholds, stream("band"), 5, 0.95)).all()


def test_average_ranks_share_ties():
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 0.0]])
    np.testing.assert_allclose(average_ranks(scores), [1.25, 1.75, 3.0])
    assert np.isnan(average_ranks(np.empty((0, 3)))).all()
