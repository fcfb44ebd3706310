"""Estimates, intervals and tests against scipy, enumeration and hand-worked numbers."""

import itertools

import numpy as np
import pytest
import scipy.stats

from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import iqm
from cds_bench.statistics.intervals import bootstrap_mean, stratified_iqm
from cds_bench.statistics.significance import best_and_peers, effect_size, holm, paired_t, sign_flip


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 18, 101])
def test_iqm_is_scipys_trimmed_mean(n):
    values = stream("test", n).normal(size=(4, n))
    np.testing.assert_allclose(iqm(values), scipy.stats.trim_mean(values, 0.25, axis=1))


def test_iqm_of_ties_nan_and_nothing():
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


def test_bootstrap_mean_is_scipys_percentile_interval():
    values = stream("bootstrap").normal(size=12)
    low, high = bootstrap_mean(values, stream("a"), 20_000, 0.95)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=stream("b")
    ).confidence_interval
    np.testing.assert_allclose([low, high], expected, atol=0.02)


def test_bootstrap_of_three_is_their_range_and_of_two_too():
    for values in ([1.0, 2.0, 4.0], [1.0, 4.0]):
        low, high = bootstrap_mean(np.array(values), stream("few"), 2000, 0.95)
        assert (low, high) == pytest.approx((1.0, 4.0))


def test_bootstrap_keeps_a_seeds_columns_together_and_one_seed_has_no_interval():
    values = stream("columns").normal(size=(5, 1)) * np.array([1.0, -2.0])
    low, high = bootstrap_mean(values, stream("together"), 1000, 0.9)
    np.testing.assert_allclose([-2 * high[0], -2 * low[0]], [low[1], high[1]])
    assert np.isnan(bootstrap_mean(values[:1], stream("one"), 10, 0.9)).all()
    constant = bootstrap_mean(np.ones(4), stream("constant"), 100, 0.95)
    assert constant == (1.0, 1.0)


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
    # two tasks that never overlap: each resample holds as many of one as of the other
    values = np.column_stack([np.zeros(4), np.ones(4)])
    assert stratified_iqm(values, stream("s"), 200, 0.95) == (0.5, 0.5)


NAN = np.nan


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[9.0, 9.1, 8.9], [1.0, 1.1, 0.9], [8.0, 9.9, 8.8]], [True, False, True]),
        ([[5.0, 5.0, 5.0], [5.0, 5.0, 5.0], [4.0, 4.0, 4.0]], [True, True, False]),  # ties
        ([[9.0, 9.1, 8.9], [NAN, NAN, NAN], [1.0, 1.1, 0.9]], [True, False, False]),
        ([[1.0, 1.1, 0.9], [99.0, NAN, NAN]], [True, False]),  # one seed can't be best
        ([[9.0, 9.1, NAN], [8.0, NAN, 8.1]], [True, False]),  # one seed in common: not tested
        ([[9.0], [1.0]], [False, False]),  # one seed: nothing to distinguish
        ([[NAN, NAN], [NAN, NAN]], [False, False]),
    ],
)
def test_best_and_peers(values, expected):
    assert best_and_peers(np.array(values), 0.05).tolist() == expected


def test_holm_within_the_row_widens_the_peers():
    best = np.array([1.0, 1.0, 1.0, 1.0])
    near = best - np.array([0.1, 0.2, 0.3, 0.45])  # paired t: p = 0.037
    assert best_and_peers(np.array([best, near]), 0.05).tolist() == [True, False]
    assert best_and_peers(np.array([best, near, near]), 0.05).tolist() == [True, True, True]
