"""Headroom as a table, a figure, a command and a fact on a dataset's card."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cds_bench import cli, jobs
from cds_bench.config import load, parse
from cds_bench.dataset.headroom import COLUMNS, headroom
from cds_bench.dataset.pool import save_pool
from cds_bench.errors import BenchError
from cds_bench.report import cards, targets
from cds_bench.report.headroom_table import shares, table
from cds_bench.report.making import make
from cds_bench.storage import paths
from cds_bench.storage.files import write_text
from tests.dataset.test_headroom import make_pool

SUITE = "walker2d-mixed"
TASKS = ("run-forward", "run-backward", "jump")


@pytest.fixture
def pool():
    """Episodes have one step. Each task's own data have the returns 0, 1, 2, 3 under its reward."""
    source = np.repeat([0, 1, 2], 4)
    rewards = np.tile(np.arange(4.0), 3)[:, None] + 10.0 * (source[:, None] < np.arange(3))
    rewards -= 10.0 * (source[:, None] > np.arange(3))
    toy = make_pool(rewards, source, np.ones(12))
    return dataclasses.replace(toy, suite=SUITE, tasks=TASKS)


@pytest.fixture
def config(pool, tmp_path):
    """A profile, also written to config.yaml, that has only a pool."""
    values = {"results": str(tmp_path), "suites": {SUITE: {}}, "algorithms": {"bc": {}}}
    values |= {"sharing": {"cds": {}}}
    made = parse(values, "test")
    write_text(tmp_path / "config.yaml", made.model_dump_json())
    save_pool(paths.pool(made, SUITE), pool)
    return made


def call(config, monkeypatch):
    path = f"{config.results}/config.yaml"
    arguments = ["cds-bench", "make", "headroom", "--suite", SUITE, "--config", path]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code


def test_the_command_needs_only_the_pool(config, monkeypatch, capsys):
    call(config, monkeypatch)
    files = [Path(path) for path in targets.outputs(config, "headroom", SUITE)]
    assert len(files) == 7
    assert all(file.stat().st_size for file in files)
    shown = capsys.readouterr().out
    assert "| run-forward | run-backward | 4 | -8.5 | 1.5 | 0.0 | 0.0 |" in shown
    assert "| jump | run-forward | 4 | 11.5 | 1.5 | 100.0 | 100.0 |" in shown
    assert "discount of 0.99" in shown
    before = [file.read_bytes() for file in files]
    call(config, monkeypatch)
    assert [file.read_bytes() for file in files] == before
    frame = pd.read_csv(paths.table(config, "headroom", "csv", SUITE))
    assert list(frame) == COLUMNS
    assert (frame["discount"] == 0.99).all()


def test_the_discount_is_that_of_the_suites_first_algorithm():
    values = {
        "suites": {SUITE: {}, "door-drawer": {}},
        "algorithms": {"cql": {"discount": 0.9}, "bc": {}},
        "domains": {"manipulation": {"algorithms": {"cql": {"discount": 0.8}}}},
    }
    made = parse(values, "test")
    for suite, discount in {SUITE: 0.9, "door-drawer": 0.8}.items():
        assert jobs.discount(made, suite) == discount
        told = load(targets.configuration(made, "headroom", suite))
        assert jobs.discount(told, suite) == discount, "also in the job that the rule starts"


def test_another_default_discount_makes_it_again(config, monkeypatch):
    """The default is in the algorithm's code, of which the table reads nothing else."""
    targets_of = ("headroom", "coverage")
    before = [targets.code(config, target, SUITE) for target in targets_of]
    monkeypatch.setattr(jobs.plugins, "defaults", lambda *names: {"discount": 0.9})
    after = [targets.code(config, target, SUITE) for target in targets_of]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True]


def test_a_row_per_pair_and_a_line_above_each_target(pool):
    (block,) = table(headroom(pool, 0.99)).blocks
    assert [label for label, _ in block.rows] == ["run-forward", "", "run-backward", "", "jump", ""]
    assert block.rules == (2, 4)


def test_the_figure_shows_targets_as_rows(pool):
    found = shares(headroom(pool, 0.99), "above_mean")
    nothing = np.nan
    expected = [[nothing, 0, 0], [1, nothing, 0], [1, 1, nothing]]
    np.testing.assert_array_equal(found, expected)


def test_a_card_says_how_much_of_the_others_data_is_better(config, monkeypatch):
    assert cards.headroom(config, SUITE, "jump") is None
    call(config, monkeypatch)
    fact = (
        "{} of the other tasks' transitions lie above its own mean return-to-go (most: {}, {})"
    ).format
    assert cards.headroom(config, SUITE, "run-forward") == fact("0%", "run-backward", "0%")
    assert cards.headroom(config, SUITE, "run-backward") == fact("50%", "run-forward", "100%")
    assert cards.card(config, SUITE, "jump").facts["headroom"] == fact(
        "100%", "run-forward", "100%"
    )
    write_text(paths.table(config, "headroom", "csv", SUITE), "target,source\n")
    assert cards.headroom(config, SUITE, "jump") is None


def test_a_suite_of_one_task_has_no_headroom(tmp_path):
    """The workflow plans no files for it, and the command says why there are none."""
    suite = "pointmaze-medium-single"
    config = parse({"results": str(tmp_path), "suites": {suite: {}}}, "test")
    assert ("headroom", suite) not in targets.targets(config)
    with pytest.raises(BenchError, match="headroom: needs a suite of several tasks"):
        make(config, "headroom", suite)
    assert not list(tmp_path.iterdir())
