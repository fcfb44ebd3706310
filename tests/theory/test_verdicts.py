"""Summaries and verdicts on frames with known answers."""

import numpy as np
import pandas as pd
import pytest

from cds_bench.theory.claims import conditions, ordering, pairs, routed, safe, summarise, wilson


def made(gaps, strategy="cds", alpha=0.1, size=10, **columns):
    """A frame of one case with these gaps; the optimal value is 1, the behaviour's 0.5."""
    gaps = np.asarray(gaps, float)
    values = {
        "mdp": np.arange(len(gaps)), "alpha": alpha, "transitions": size, "strategy": strategy,
        "gap": gaps, "value": 0.5 + gaps / 100, "behaviour_value": 0.5, "optimal_value": 1.0,
        "effective_value": 0.6, "zeta": 0.0, "change": 0.0, "effective_data": 1.0,
        "foreign_share": 0.0, "scarcity": 0.0, "divergence": 0.0, "sampling": 0.0,
        "conservatism": 0.0, "gain_correlation": np.nan, "advantage_correlation": np.nan,
        "optimal_distance": 0.0, "constant": 1.0, "coverage": 0.5, "overlap": 0.5,
    }  # fmt: skip
    values |= {f"weight_q{place}": 0.5 for place in range(1, 6)}
    return pd.DataFrame(values | columns)


def three(cds, no_sharing=None, sharing_all=None, **columns):
    nothing = np.zeros(len(cds))
    named = {"cds": cds, "no_sharing": no_sharing, "sharing_all": sharing_all}
    return pd.concat(
        made(nothing if gaps is None else gaps, name, **columns) for name, gaps in named.items()
    )


def test_pairs_count_the_worlds_in_which_one_strategy_alone_is_unsafe():
    found = pairs(three([-2, -2, 0, 0], no_sharing=[-2, 0, -2, -2])).iloc[0]
    assert (found["better_than_no_sharing"], found["worse_than_no_sharing"]) == (2, 1)
    assert (found["better_than_sharing_all"], found["worse_than_sharing_all"]) == (0, 2)
    assert found["p_sharing_all"] == pytest.approx(0.5)  # 2 of 2 by a fair coin, both sides


def test_a_summary_by_hand():
    row = summarise(made([-5, -0.5, 0, 10], zeta=0.01)).iloc[0]
    assert (row["mdps"], row["below"], row["unsafe"]) == (4, 0.5, 0.25)
    assert row["shortfall"] == pytest.approx(2.75)
    assert row["improvement"] == pytest.approx(1.125)
    assert row["effective_gap"] == pytest.approx(10)
    assert row["holds"] == 0.75
    assert (row["low"], row["high"]) == pytest.approx(wilson(2, 4, 0.95))


def test_wilson_in_closed_form():
    z2, n, p = 1.959963985**2, 20, 0.1
    centre, half = (p + z2 / 2 / n), np.sqrt(z2 * (p * (1 - p) / n + z2 / 4 / n**2))
    expected = [(centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)]
    assert wilson(2, 20, 0.95) == pytest.approx(expected)


GOOD, BAD = [5.0, 6.0] * 100, [-5.0, 6.0] * 100


@pytest.mark.parametrize(
    ("weak", "strong", "verdict"),
    [
        (GOOD, GOOD, "supported"),
        (BAD, BAD, "contradicted"),
        (GOOD, BAD, "undecided"),
        (GOOD[:20], GOOD[:20], "undecided"),  # too few worlds to decide
        (np.zeros(200), np.zeros(200), "undecided"),  # safe, but no improvement
    ],
)
def test_claim_6_needs_every_alpha_at_the_largest_size(weak, strong, verdict):
    frame = pd.concat([
        three(weak, size=100), three(strong, alpha=1.0, size=100),
        three(BAD[: len(weak)]), three(BAD[: len(weak)], alpha=1.0),
    ])  # fmt: skip
    found, sentence, numbers = safe(frame)
    assert found == verdict
    assert f"Claim 6 is {verdict}: with 100 transitions" in sentence
    assert set(numbers["cases"]) == {(0.1, 10), (0.1, 100), (1.0, 10), (1.0, 100)}


def test_strategies_are_compared_in_the_same_worlds():
    frame = three([5, 5, 5, -5], no_sharing=[-5, -5, 5, 5], sharing_all=[-5, -5, -5, -5])
    case = safe(frame)[2]["cases"][0.1, 10]
    assert (case["better_than_no_sharing"], case["worse_than_no_sharing"]) == (2, 1)
    assert (case["better_than_sharing_all"], case["worse_than_sharing_all"]) == (3, 0)
    assert case["p_sharing_all"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([0.2, 0.3, 0.2, np.nan], [0.1, 0.2, 0.2, 0.1], "supported"),
        ([0.2, 0.3, 0.2, 0.2], [-0.9, 0.9, -0.8, 0.9], "undecided"),
        ([0.2, 0.3, 0.2, 0.2], [-0.2, -0.3, -0.2, -0.2], "contradicted"),
    ],
)
def test_claim_7_needs_every_case(first, second, verdict):
    gaps = np.zeros(4)
    frame = pd.concat([
        made(gaps, gain_correlation=first), made(gaps, size=100, gain_correlation=second),
        made(gaps, "cds_basic", gain_correlation=-1.0),
    ])  # fmt: skip
    found, sentence, numbers = routed(frame)
    assert found == verdict
    assert f"Claim 7 is {verdict}" in sentence
    assert numbers["cases"][0.1, 10]["mdps"] == np.isfinite(first).sum()


def test_a_bound_can_order_strategies_like_their_true_values():
    gaps = {"no_sharing": 0, "cds": 5, "sharing_all": -5}
    frame = pd.concat(made([gap, gap], name, zeta=-gap) for name, gap in gaps.items())
    assert ordering(frame)["correlation"].tolist() == pytest.approx([1])
    frame["zeta"] *= -1
    assert ordering(frame)["correlation"].tolist() == pytest.approx([-1])


def test_conditions_split_worlds_by_one_property_at_a_time():
    frame = made([1, 1, -9, -9], behaviour_value=[0.1, 0.2, 0.3, 0.4], overlap=[0, 1, 0, 1])
    found = conditions(frame).set_index(["factor", "level"])
    assert found.loc["quality", "unsafe"].tolist() == [0, 0, 1, 1]
    assert found.loc["overlap", "unsafe"].tolist() == [0.5, 0.5]
    assert (found.loc["coverage", "mdps"] == 4).all()
