"""What strategies select, as tables and a figure. Missing results are named."""

from pathlib import Path

import pandas as pd
import pytest

import envs
from cds_bench.report import selection_table, targets
from cds_bench.report.making import make
from cds_bench.report.table_formats import markdown
from cds_bench.statistics.over_seeds import SUMMARY
from cds_bench.statistics.selection import read_selection, summarise
from cds_bench.storage import paths
from tests.report import synthetic

SUITE = synthetic.SUITE


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = synthetic.config(tmp_path_factory.mktemp("results"))
    synthetic.write(config)
    return config


def shown(config, suite=SUITE) -> str:
    summary = summarise(config, suite, read_selection(config, suite))
    return markdown(selection_table.table(config, suite, summary))


def test_all_listed_files_are_written_and_reproducible(config):
    found = [Path(path) for path in targets.outputs(config, "selection", SUITE)]
    make(config, "selection", SUITE)
    first = [path.read_bytes() for path in found]
    assert len(first) == 7
    make(config, "selection", SUITE)
    assert first == [path.read_bytes() for path in found]
    assert list(pd.read_csv(paths.table(config, "selection", "csv", SUITE)).columns) == SUMMARY


def test_the_table_by_measure_and_target(config):
    text = shown(config)
    for title in selection_table.TITLES.values():
        assert f"**cql: {title}**" in text
    assert text.count("| run-forward |") == 4
    assert "| average | – | 0.50 [0.50, 0.50] |" in text, "no candidates; a constant weight"
    assert "missing" not in text
    assert "n = 3 seeds" in text
    assert "nothing was selected" not in text


def test_without_candidates_the_table_says_so(tmp_path):
    config = synthetic.config(tmp_path, sharing={"no_sharing": {}})
    synthetic.write(config)
    assert "nothing was selected" in shown(config)
    make(config, "selection", SUITE)
    made = selection_table.figure(config, SUITE, read_selection(config, SUITE))
    assert {text.get_text() for axes in made.axes for text in axes.texts} == {"no candidates"}
    assert not made.legends


def test_missing_runs_are_named(tmp_path):
    config = synthetic.config(
        tmp_path, algorithms={"cql": {}, "brac": {}}, seeds_per_job=1, sharing={"cds": {}}
    )
    make(config, "selection", SUITE)
    text = paths.table(config, "selection", "md", SUITE).read_text()
    assert "| run-forward | missing |" in text
    assert "- brac, cds: 0 of 3 seeds" in text
    assert "nothing was selected" not in text, "nothing is known yet"
    synthetic.write(config.model_copy(update={"algorithms": {"cql": {}}, "seeds": 2}))
    make(config, "selection", SUITE)
    text = paths.table(config, "selection", "md", SUITE).read_text()
    assert "- cql, cds: 2 of 3 seeds" in text
    made = selection_table.figure(config, SUITE, read_selection(config, SUITE))
    assert [text.get_text() for text in made.legends[0].texts] == ["cds (2 seeds)"]


def test_seven_targets_have_a_panel_of_each_kind(tmp_path):
    suite = "pointmaze-large-directed"
    config = synthetic.config(tmp_path, suites={suite: {}}, sharing={"cds": {}}, seeds=1)
    synthetic.write(config.model_copy(update={"seeds_per_job": 1}))
    made = selection_table.figure(config, suite, read_selection(config, suite))
    panels = [axes for axes in made.axes if axes.get_visible()]
    assert len(panels) == 14
    goals = {tuple(axes.child_axes[0].lines[0].get_xydata()[0]) for axes in panels}
    assert goals == {envs.TASKS[task].floor.goal for task in envs.SUITES[suite].tasks}
    labels = {axes.get_ylabel() for axes in made.axes} - {""}
    assert labels == {"mean weight", "AUC"}
