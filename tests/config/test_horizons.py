"""The horizons that a run covers, compared with numbers by hand, and the warning's text."""

import math

import pytest

from cds_bench.config import parse
from cds_bench.config.horizons import LEAST, horizons, warnings

SUITE, MAZE = "walker2d-mixed", "pointmaze-medium-undirected"


def config(**changes):
    values = {
        "suites": {SUITE: None},
        "algorithms": {"cql": None, "bc": {"sharing": ["no_sharing"]}},
        "sharing": {"no_sharing": None, "cds": None},
        "training": {"steps": 3000},
    }
    return parse(values | changes, "test")


def test_by_hand_with_the_plug_ins_defaults():
    assert horizons(config(), SUITE, "cql") == pytest.approx(3000 * 0.005 * 0.01)
    quick = config(algorithms={"quick": {"use": "cql", "target_rate": 0.1, "discount": 0.9}})
    assert horizons(quick, SUITE, "quick") == pytest.approx(3000 * 0.1 * 0.1)


def test_cloning_has_no_horizon_and_no_warning():
    assert math.isnan(horizons(config(), SUITE, "bc"))
    assert horizons(config(algorithms={"brac": None}), SUITE, "brac") > 0
    assert [warning.split(":")[0] for warning in warnings(config())] == [f"{SUITE}, cql"]


def test_a_domains_own_options_count():
    domains = {"navigation": {"algorithms": {"cql": {"target_rate": 0.02}},
                              "training": {"steps": 15_000}}}  # fmt: skip
    found = config(suites={SUITE: None, MAZE: None}, domains=domains)
    assert horizons(found, MAZE, "cql") == pytest.approx(LEAST)
    assert [warning.split(":")[0] for warning in warnings(found)] == [f"{SUITE}, cql"]


def test_a_warning_says_the_numbers_and_a_remedy_that_is_enough():
    assert warnings(config()) == [
        "walker2d-mixed, cql: 3,000 steps at a target rate of 0.005 cover 0.15 horizons of "
        "discount 0.99; a critic needs at least 3 to see its horizon: raise training.steps to "
        "60,000 or the target_rate of cql to 0.1"
    ]
    assert warnings(config(training={"steps": 60_000})) == []
    assert warnings(config(algorithms={"cql": {"target_rate": 0.1}})) == []


@pytest.mark.parametrize("steps", [701, 999, 1777, 2900])
def test_the_target_rate_that_is_named_is_enough(steps):
    rate = warnings(config(training={"steps": steps}))[0].rpartition(" ")[2]
    remedied = config(training={"steps": steps}, algorithms={"cql": {"target_rate": float(rate)}})
    assert warnings(remedied) == []


def test_no_target_rate_above_one_is_named():
    assert "target_rate of" not in warnings(config(training={"steps": 200}))[0]
