"""Simulations in which a verdict is false: every verdict is wrong in at most 5 % of cases.

Seeds' scores are normal or counts of few episodes. Each truth is the hardest one: at the border of
what the verdict says.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest

from cds_bench.seeding import stream
from cds_bench.statistics import claims_on_cds, claims_on_margins, claims_on_sharing, decisions
from cds_bench.statistics.claims_on_margins import NOT_POSITIVE, POSITIVE, REACHES, SHORT
from cds_bench.statistics.decisions import CONTRADICTED, EQUIVALENT, OVERALL, SUPPORTED, Data
from tests.statistics.test_claims import SUITES, profile

CASES, SEEDS = 200, 8
MOST = 0.05 + 2 * np.sqrt(0.05 * 0.95 / CASES)
METHODS = ("cds", "no_sharing", "sharing_all", "hipi")


@dataclass(frozen=True)
class Simulated(Data):
    """The drawn scores and divergences of each suite and method, [seeds]."""

    drawn: dict = field(default_factory=dict)

    def score(self, suites, method):
        return np.mean([self.drawn[suite, method[1]] for suite in suites], axis=0)

    def divergence(self, suite, sharing):
        return 1 + self.drawn[suite, sharing]


def normal(rng, level):
    return rng.normal(level, 0.1, SEEDS)


def counted(rng, level):
    """Success rates of five episodes, with independent seeds."""
    return rng.binomial(5, level, SEEDS) / 5


@pytest.fixture(params=[normal, counted])
def simulate(request, monkeypatch):
    """The verdicts of each case, as sets by scope, from levels by method and a decider."""
    for module in (claims_on_cds, claims_on_margins):
        monkeypatch.setattr(module, "others_of", lambda _: METHODS[1:])
    for module in (claims_on_cds, claims_on_margins, claims_on_sharing):
        monkeypatch.setattr(module, "needed", lambda *_: decisions.UNKNOWN)
    algorithms = {"cql": {}, "brac": {}}
    config = profile(algorithms=algorithms, protocol={"resamples": 10, "margin": 0.1})

    def run(levels, decide):
        rng = stream("errors", request.param.__name__, *map(str, levels.items()))
        found = []
        for _ in range(CASES):
            keys = [(suite, method) for suite in SUITES for method in METHODS]
            drawn = {key: request.param(rng, levels[key[1]]) for key in keys}
            found.append(
                {row.scope: row.verdict for row in decide(Simulated(config, None, None, drawn))}
            )
        return found

    return run


def share(cases, verdict):
    """The share of cases with the verdict in a family of tests, for the worst family.

    The suites or domains are one family, and the claim as a whole is another. The tests of claim 4
    in per cent are families too.
    """
    families = {}
    for found in cases:
        said = {}
        for scope, name in found.items():
            said.setdefault((OVERALL in scope, "relative" in scope), set()).add(name)
        for family, names in said.items():
            families.setdefault(family, []).append(verdict in names)
    return max(map(np.mean, families.values()))


def levels(**named):
    return dict.fromkeys(METHODS, 0.4) | named


@pytest.mark.parametrize("decide", [claims_on_sharing.worse_shared, claims_on_sharing.shifted])
def test_claims_1_and_2_without_a_difference(simulate, decide):
    cases = simulate(levels(), decide)
    assert share(cases, SUPPORTED) <= MOST / 2, "a half of each, since the test is two-sided"
    assert share(cases, CONTRADICTED) <= MOST / 2


@pytest.mark.parametrize("other", [0.3, 0.5])
def test_claim_1_with_a_difference_as_large_as_the_margin(simulate, other):
    assert (
        share(simulate(levels(sharing_all=other), claims_on_sharing.worse_shared), EQUIVALENT)
        <= MOST
    )


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_claim_2_with_a_difference_as_large_as_the_margin(simulate, ratio):
    other = 1.4 * ratio - 1
    assert share(simulate(levels(sharing_all=other), claims_on_sharing.shifted), EQUIVALENT) <= MOST


@pytest.mark.parametrize("rivals", [("hipi",), METHODS[1:]])
def test_claim_3_at_the_margin(simulate, rivals):
    truth = levels(cds=0.5, no_sharing=0.2, sharing_all=0.2, hipi=0.2)
    cases = simulate(truth | dict.fromkeys(rivals, 0.6), claims_on_cds.comparable)
    assert share(cases, SUPPORTED) <= MOST
    assert share(cases, CONTRADICTED) <= MOST


@pytest.mark.parametrize("rivals", [("hipi",), METHODS[1:]])
def test_claim_4_where_cds_is_as_good_as_the_next_best(simulate, rivals):
    truth = levels(cds=0.5, no_sharing=0.2, sharing_all=0.2, hipi=0.2)
    cases = simulate(truth | dict.fromkeys(rivals, 0.5), claims_on_margins.improves)
    for verdict in (POSITIVE, NOT_POSITIVE, REACHES, SHORT):
        assert share(cases, verdict) <= MOST


@pytest.mark.parametrize("rivals", [("hipi",), METHODS[1:]])
def test_claim_4_where_cds_is_better_by_just_that_much(simulate, rivals):
    truth = levels(cds=0.4 * 1.175, no_sharing=0.2, sharing_all=0.2, hipi=0.2)
    cases = simulate(truth | dict.fromkeys(rivals, 0.4), claims_on_margins.improves)
    for verdict in (NOT_POSITIVE, REACHES, SHORT):
        assert share(cases, verdict) <= MOST


@pytest.mark.parametrize("rivals", [("no_sharing",), ("no_sharing", "sharing_all")])
def test_claim_5_where_cds_is_as_good_as_the_better_one(simulate, rivals):
    truth = levels(cds=0.5, no_sharing=0.2, sharing_all=0.2)
    cases = simulate(truth | dict.fromkeys(rivals, 0.5), claims_on_cds.works_with)
    assert share(cases, SUPPORTED) <= MOST
    assert share(cases, CONTRADICTED) <= MOST
