"""The conditions, checked on scores with known answers."""

import math

import numpy as np
import pandas as pd
import pytest

import envs
from cds_bench.report.regime_table import table
from cds_bench.statistics import conditions
from cds_bench.statistics.schema import merge
from cds_bench.storage import files, paths
from cds_bench.storage.columns import SHIFT
from tests.report import synthetic

SUITE = synthetic.SUITE
TASKS = envs.SUITES[SUITE].tasks
ALGORITHMS = {"cql": {}, "bc": {"sharing": ["no_sharing"]}}


@pytest.fixture
def config(tmp_path):
    training = {"steps": 100_000}
    return synthetic.config(tmp_path, algorithms=ALGORITHMS, training=training)


@pytest.fixture
def scores(config):
    synthetic.write(config)
    return merge(config, SUITE)


def values(q: dict[str, float], returns: dict[str, float], algorithm: str = "cql") -> pd.DataFrame:
    """shift.csv of three seeds."""
    rows = [
        (SUITE, task, algorithm, "no_sharing", seed, 1.0, 0.0, q[task], returns[task], 0.0)
        for task in TASKS
        for seed in range(3)
    ]
    return pd.DataFrame(rows, columns=SHIFT)


NOTHING = pd.DataFrame(columns=SHIFT)


def check(config, scores, condition, algorithm="cql", shift=NOTHING) -> pd.Series:
    frame = conditions.checks(config, scores, shift)
    rows = frame[(frame["condition"] == condition) & (frame["algorithm"] == algorithm)]
    assert len(rows) == 1
    return rows.iloc[0]


def level(scores: pd.DataFrame, algorithm: str, add: float, **where) -> pd.DataFrame:
    """The scores with `add` added to those rows of an algorithm that match `where`."""
    match = scores["algorithm"] == algorithm
    for column, value in where.items():
        match &= scores[column] == value
    moved = scores.copy()
    moved.loc[match, "normalized_score"] += add
    return moved


def test_every_condition_is_checked_for_every_algorithm_without_sharing(config, scores):
    frame = conditions.checks(config, scores, NOTHING)
    assert frame["condition"].tolist() == 2 * list(conditions.CONDITIONS)
    assert set(frame["verdict"]) <= {"met", "not met", "no data", "not asked"}


def test_the_profile_sets_the_required_horizon(config, scores):
    row = check(config, scores, conditions.HORIZONS)
    assert (row.value, row.against, row.verdict) == (pytest.approx(5), 5, "met")
    short = config.model_copy(
        update={"training": config.training.model_copy(update={"steps": 60_000})}
    )
    assert check(short, scores, conditions.HORIZONS).verdict == "not met"
    default = short.model_copy(update={"profile": "default"})
    assert check(default, scores, conditions.HORIZONS).verdict == "met", (
        "the default profile needs only 3"
    )
    assert check(config, scores, conditions.HORIZONS, "bc").verdict == "not asked"


@pytest.mark.parametrize(("add", "verdict"), [(1.0, "not met"), (-1.0, "met")])
def test_no_sharing_against_cloning(config, scores, add, verdict):
    row = check(config, level(scores, "bc", add), conditions.BEATS_CLONING)
    assert row.verdict == verdict
    assert row.n == 3
    own = scores.query("algorithm == 'cql' and sharing == 'no_sharing' and step >= 90000")
    assert row.value == pytest.approx(own["normalized_score"].mean())
    some = scores[(scores["algorithm"] != "bc") | (scores["seed"] > 0)]
    assert check(config, some, conditions.BEATS_CLONING).n == 2, "only seeds that both have count"


def test_without_cloning_the_verdict_is_no_data(tmp_path):
    config = synthetic.config(tmp_path)
    row = check(config, merge(config, SUITE), conditions.BEATS_CLONING)
    assert (row.verdict, row.note) == ("no data", "bc is not trained")


def test_the_task_with_the_least_margin_over_the_random_policy_decides(config, scores):
    assert check(config, scores, conditions.BEATS_RANDOM).verdict == "met"
    row = check(config, level(scores, "cql", -2.0, task="jump"), conditions.BEATS_RANDOM)
    assert (row.verdict, row.note, row.against) == ("not met", "jump", 0.0)
    assert row.value < -1
    gone = scores[scores["task"] != "jump"]
    row = check(config, gone, conditions.BEATS_RANDOM)
    assert (row.verdict, row.note) == ("no data", "no score of jump")


def test_a_success_rate_is_compared_with_the_random_policys(tmp_path):
    maze = "pointmaze-medium-undirected"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    scores = merge(config, maze)
    for task in envs.SUITES[maze].tasks:
        paths.references(config, task).unlink()
    assert check(config, scores, conditions.BEATS_RANDOM).verdict == "no data", "references missing"
    for task in envs.SUITES[maze].tasks:
        files.write_json(paths.references(config, task), {"random": {"mean": 0.2}})
    assert check(config, scores, conditions.BEATS_RANDOM).against == 0.2
    task = envs.SUITES[maze].tasks[1]
    files.write_json(paths.references(config, task), {"random": {"mean": 0.99}})
    row = check(config, scores, conditions.BEATS_RANDOM)
    assert (row.verdict, row.note, row.against) == ("not met", task, pytest.approx(0.99))


@pytest.mark.parametrize(
    ("q", "expected", "verdict"),
    [
        (19.9, 10.0, "met"),
        (5.1, 10.0, "met"),
        (20.1, 10.0, "not met"),
        (4.9, 10.0, "not met"),
        (-300.0, -200.0, "met"),
        (-5.0, 10.0, "not met"),
        (1.0, 0.0, "not met"),
    ],
)
def test_the_critic_must_be_within_a_factor_of_two(config, scores, q, expected, verdict):
    fine = dict.fromkeys(TASKS, 10.0)
    shift = values(fine | {"jump": q}, fine | {"jump": expected})
    row = check(config, scores, conditions.CRITIC, shift=shift)
    assert (row.verdict, row.note, row.value, row.against) == (verdict, "jump", q, expected)
    assert row.n == 3


def test_an_algorithm_without_a_critic_is_not_asked_about_it(config, scores):
    assert check(config, scores, conditions.CRITIC).verdict == "no data"
    assert check(config, scores, conditions.CRITIC, "bc").verdict == "not asked"


def rising(config, slope: float, offsets=(0.0, 0.1, 0.2)) -> pd.DataFrame:
    """Straight curves, slope x step / steps plus an offset per seed, at uneven snapshots."""
    rows = [
        ("locomotion", SUITE, task, "cql", "no_sharing", seed, step, 5, "return",
         0.0, slope * step / 100_000 + offset)
        for task in TASKS
        for seed, offset in enumerate(offsets)
        for step in (0, 25_000, 50_000, 75_000, 90_000, 92_500, 95_000, 97_500, 100_000)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=merge(config, SUITE).columns)


def test_the_change_over_the_last_fifth_in_closed_form(config):
    """A straight line's headline is its value at 0.95; its value at 0.8 is interpolated."""
    for slope, verdict in ((0.6, "met"), (0.7, "not met"), (-0.7, "not met"), (0.0, "met")):
        row = check(config, rising(config, slope), conditions.FLAT)
        assert row.value == pytest.approx(0.15 * slope)
        assert row.against == pytest.approx(np.std([0.0, 0.1, 0.2], ddof=1))
        assert row.verdict == verdict


def test_one_seed_has_no_standard_deviation(config):
    row = check(config, rising(config, 0.5, offsets=(0.0,)), conditions.FLAT)
    assert (row.verdict, row.n) == ("no data", 1)
    assert math.isnan(row.value)


def test_the_table_shows_and_warns_of_conditions_that_are_not_met(tmp_path, scores):
    config = synthetic.config(tmp_path, algorithms=ALGORITHMS, training={"steps": 1000})
    found = table(config, conditions.checks(config, scores, NOTHING))
    (first, cells), (second, cloned) = found.blocks[0].rows
    assert (first, second) == ("walker2d-mixed, cql", "walker2d-mixed, bc")
    assert (cells[0].text, cells[0].bold) == ("not met", True)
    assert cells[0].details == ("0.05, needs 5",)
    assert cloned[0].text == cloned[1].text == "–"
    assert any("raise training.steps to 60,000" in paragraph for paragraph in found.caption)
