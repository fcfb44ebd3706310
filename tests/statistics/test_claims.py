"""Every verdict of every claim, with scores that were chosen to lead to it."""

import numpy as np
import pandas as pd
import pytest

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.claims import claims
from cds_bench.statistics.claims_on_margins import NOT_POSITIVE, POSITIVE, REACHES, SHORT
from cds_bench.statistics.claims_on_sharing import over_suites
from cds_bench.statistics.decisions import (
    CONTRADICTED,
    EQUIVALENT,
    OVERALL,
    SUPPORTED,
    SUPPORTED_SO_FAR,
    UNDECIDED,
    Data,
    Decision,
)
from cds_bench.statistics.headline import headline
from cds_bench.storage.columns import SCORES

SUITES = ("walker2d-mixed", "pointmaze-medium-undirected", "door-drawer")
SHARING = ("no_sharing", "sharing_all", "hipi", "cds_basic", "cds")
LEVELS = {"no_sharing": 0.5, "sharing_all": 0.2, "hipi": 0.4, "cds_basic": 0.9, "cds": 0.7}


def profile(**changes) -> Config:
    values = {
        "suites": {name: {} for name in SUITES},
        "algorithms": {"cql": {}},
        "sharing": {name: {} for name in SHARING},
        "seeds": 8,
        "seeds_per_job": 8,
        "protocol": {"resamples": 500},
    }
    return Config.model_validate(values | changes)


def made_scores(config: Config, levels: dict, noise: float = 0.02) -> pd.DataFrame:
    """One snapshot per run near the method's level. Keys may be strategies or methods."""
    rng, rows = stream("claims"), []
    for suite in config.suites:
        for task in envs.SUITES[suite].tasks:
            for algorithm in config.algorithms:
                for sharing in config.sharing:
                    level = levels.get((algorithm, sharing), levels.get(sharing))
                    for seed in range(config.seeds):
                        value = level + noise * rng.standard_normal()
                        key = (envs.SUITES[suite].domain, suite, task, algorithm, sharing, seed)
                        metric = envs.TASKS[task].metric
                        rows.append((*key, 100, 10, metric, value, value))
    return pd.DataFrame(rows, columns=SCORES)


def made_shift(config: Config, levels: dict) -> pd.DataFrame:
    rng, rows = stream("claims, shift"), []
    for suite in config.suites:
        for task in envs.SUITES[suite].tasks:
            for sharing in config.sharing:
                for seed in range(config.seeds):
                    kl = levels.get(sharing, 1.0) + 0.02 * rng.standard_normal()
                    rows.append((suite, task, "cql", sharing, seed, kl))
    return pd.DataFrame(rows, columns=["suite", "task", "algorithm", "sharing", "seed", "kl"])


def found(config, levels=LEVELS, shift=None, noise=0.02) -> pd.DataFrame:
    frame = claims(config, made_scores(config, levels, noise), made_shift(config, shift or {}))
    return frame.set_index(["claim", "scope"])


@pytest.mark.parametrize(
    ("level", "noise", "verdict"),
    [
        (0.2, 0.02, SUPPORTED),
        (0.8, 0.02, CONTRADICTED),
        (0.5, 0.02, EQUIVALENT),
        (0.5, 0.3, UNDECIDED),
    ],
)
def test_claim_1_is_the_sign_of_sharing_all_minus_no_sharing(level, noise, verdict):
    frame = found(profile(), LEVELS | {"sharing_all": level}, noise=noise)
    for scope in (*SUITES, OVERALL):
        assert frame.loc[(1, scope), "verdict"] == verdict
    row = frame.loc[(1, "door-drawer")]
    assert row["estimate"] == pytest.approx(level - 0.5, abs=noise)
    assert row["low"] <= row["estimate"] <= row["high"]
    assert np.isnan(row["seeds_fewest"]) == (verdict != UNDECIDED)


def test_claim_1_takes_three_suites_and_the_same_majority_for_every_verdict():
    two = profile(suites={name: {} for name in SUITES[:2]})
    whole = found(two).loc[(1, OVERALL)]
    assert (whole["verdict"], whole["estimate"]) == (UNDECIDED, 2)
    assert "that takes 3 suites" in whole["note"]
    four = [Decision(1, "suite", "", verdict=v) for v in (SUPPORTED, CONTRADICTED) * 2]
    for verdict in (SUPPORTED, CONTRADICTED, EQUIVALENT):
        assert over_suites(1, "", four).verdict == UNDECIDED, "half is no majority"
        more = [*four[:1], *[Decision(1, "suite", "", verdict=verdict)] * 3]
        assert over_suites(1, "", more).verdict == verdict


@pytest.mark.parametrize(
    ("level", "verdict"), [(3.0, SUPPORTED), (0.2, CONTRADICTED), (1.0, EQUIVALENT)]
)
def test_claim_2_is_the_sign_of_the_divergences_difference(level, verdict):
    frame = found(profile(), shift={"sharing_all": level})
    assert (frame.loc[2, "verdict"] == verdict).all()


def test_claim_3_wants_non_inferiority_shown_to_every_other_method_on_every_domain():
    frame = found(profile())
    assert (frame.loc[3, "verdict"].drop(OVERALL) == SUPPORTED).all()
    whole = frame.loc[(3, OVERALL)]
    assert whole["verdict"] == SUPPORTED_SO_FAR  # three of the paper's four domains
    assert whole["note"] == "not run: vision"
    near = found(profile(), LEVELS | {"cds": 0.47})  # below, within the margin of 0.05
    assert (near.loc[3, "verdict"].drop(OVERALL) == SUPPORTED).all()
    between = found(profile(), LEVELS | {"cds": 0.45})  # at the margin, so neither
    assert (between.loc[3, "verdict"] == UNDECIDED).all()
    below = found(profile(), LEVELS | {"cds": 0.38})
    assert (below.loc[3, "verdict"] == CONTRADICTED).all()
    assert "the best other is no_sharing" in below.loc[(3, "navigation"), "note"]


def test_claim_3_does_not_take_indistinguishable_for_comparable():
    frame = found(profile(), LEVELS | {"cds": 0.5}, noise=0.4)
    row = frame.loc[(3, "navigation")]
    assert row["verdict"] == UNDECIDED
    assert row["seeds_most"] > 8


@pytest.mark.parametrize(
    ("level", "points", "relative"),
    [
        (0.7, POSITIVE, REACHES),
        (0.55, POSITIVE, SHORT),
        (0.3, NOT_POSITIVE, NOT_POSITIVE),
        (0.5, UNDECIDED, UNDECIDED),
    ],
)
def test_claim_4_is_the_improvement_over_the_next_best_in_points_and_per_cent(
    level, points, relative
):
    """cds_basic is a variant of the paper's method, so it is not the next best."""
    rows = found(profile(), LEVELS | {"cds": level}).loc[4]
    for scope in ("navigation", OVERALL):
        row = rows.loc[scope]
        assert row["estimate"] == pytest.approx(100 * (level - 0.5), abs=2)
        assert (row["verdict"], rows.loc[f"{scope}, relative", "verdict"]) == (points, relative)
        assert row["low"] <= row["estimate"] <= row["high"]
    assert rows.loc[f"{OVERALL}, relative", "estimate"] == pytest.approx(200 * (level - 0.5), abs=3)
    assert rows.loc[OVERALL, "note"] == "not run: vision"


def test_claim_4s_interval_chooses_the_next_best_again_in_every_resample():
    """Among equal methods, the interval of the one that is best by chance seems to be above cds."""
    equal = dict.fromkeys(SHARING, 0.5)
    rows = found(profile(protocol={"resamples": 4000}), equal, noise=0.1).loc[4]
    config = profile(protocol={"resamples": 4000})
    data = Data(config, headline(made_scores(config, equal, 0.1), config.protocol), None)
    names = ("cds", "no_sharing", "sharing_all", "hipi")
    values = np.stack([data.score([SUITES[1]], ("cql", name)) for name in names])
    rng, drawn = stream("by hand"), []
    for _ in range(4000):
        means = values[:, rng.integers(8, size=8)].mean(axis=1)
        drawn.append(100 * (means[0] - means[1:].max()))
    row = rows.loc["navigation"]
    assert (row["low"], row["high"]) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.3)


def test_claim_4_has_no_per_cent_of_nothing():
    rows = found(profile(), dict.fromkeys(SHARING, -0.5)).loc[4]
    assert rows.loc[f"{OVERALL}, relative", "verdict"] == UNDECIDED
    assert "not above 0" in rows.loc[f"{OVERALL}, relative", "note"]
    assert rows.loc[OVERALL, "estimate"] == pytest.approx(0, abs=2)


def test_claim_5_asks_both_learners():
    config = profile(algorithms={"cql": {}, "brac": {}})
    frame = found(config, LEVELS | {("brac", "cds"): 0.1})
    assert frame.loc[(5, "cql"), "verdict"] == SUPPORTED
    assert frame.loc[(5, "brac"), "verdict"] == CONTRADICTED
    assert frame.loc[(5, OVERALL), "verdict"] == CONTRADICTED
    between = found(config, LEVELS | {("brac", "cds"): 0.5})
    assert between.loc[(5, "brac"), "verdict"] == UNDECIDED  # above sharing_all only
    assert between.loc[(5, OVERALL), ["verdict", "estimate"]].tolist() == [UNDECIDED, 1]
    assert found(config).loc[(5, OVERALL), "verdict"] == SUPPORTED
    alone = found(profile())
    assert alone.loc[(5, "brac"), "note"] == "not run"
    assert alone.loc[(5, OVERALL), "verdict"] == UNDECIDED


def test_claim_5_weighs_domains_and_not_suites():
    """With two mazes and the doors, each maze has a weight of a quarter."""
    mazes = ("pointmaze-medium-undirected", "pointmaze-medium-directed")
    config = profile(suites={name: {} for name in (*mazes, "door-drawer")})
    scores = made_scores(config, LEVELS)
    scores.loc[(scores["suite"] == "door-drawer") & (scores["sharing"] == "cds"),
               ["score", "normalized_score"]] += 0.4  # fmt: skip
    row = (
        claims(config, scores, made_shift(config, {})).set_index(["claim", "scope"]).loc[(5, "cql")]
    )
    assert row["estimate"] == pytest.approx(0.7 - 0.5 + 0.4 / 2, abs=0.02)


def test_with_three_seeds_nothing_can_be_decided_and_the_table_says_how_many_could():
    frame = found(profile(seeds=3, seeds_per_job=3), shift={"sharing_all": 3.0})
    assert (frame["verdict"] == UNDECIDED).all()
    row = frame.loc[(1, "door-drawer")]
    assert row["p"] == 0.75  # 0.25, corrected over three suites
    assert row["seeds_fewest"] == 7  # 2^(1 - 7) < 0.05 / 3


def test_missing_methods_and_scores_are_said():
    config = profile(sharing={"cds": {}, "no_sharing": {}})
    frame = claims(config, made_scores(config, LEVELS), made_shift(config, {}))
    assert (frame["verdict"][frame["claim"] == 1] == UNDECIDED).all()
    assert (frame["note"][frame["claim"] == 1].iloc[:-1] == "no seed has both").all()
    nothing = claims(config, made_scores(config, LEVELS).iloc[:0], made_shift(config, {}).iloc[:0])
    assert (nothing["verdict"] == UNDECIDED).all()
    assert (nothing["n"] == 0).all()
    assert (nothing["note"] != "").all()
