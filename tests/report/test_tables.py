import re

import numpy as np
import pandas as pd
import pytest

from cds_bench.errors import BenchError
from cds_bench.report import table_formats, tables
from cds_bench.report.making import make
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics import comparisons, merging
from cds_bench.storage import files, paths
from tests.report import synthetic

SUITE = synthetic.SUITE


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Two algorithms. One method has no scores, and another one lacks a seed."""
    config = synthetic.config(
        tmp_path_factory.mktemp("results"), algorithms={"cql": {}, "brac": {}}, seeds_per_job=1
    )
    synthetic.write(config)
    for seed in range(3):
        paths.run_scores(config, SUITE, "brac", "hipi", f"{seed}-{seed}").unlink()
    paths.run_scores(config, SUITE, "cql", "hipi", "1-1").unlink()
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    return config


def read(config, extension, name=""):
    return paths.table(config, name, extension, SUITE).read_text()


def test_file_names(config):
    folder = config.folder / "tables"
    expected = {
        f"walker2d_mixed{name}.{extension}"
        for name in ("", "_comparisons")
        for extension in ("csv", "md", "tex", "html", "json")
    }
    assert {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize("extension", ["md", "tex", "html"])
def test_captions_and_missing_cells(config, extension):
    text = read(config, extension)
    assert config.protocol_sha256[:12] in text
    assert "Profile synthetic" in text
    assert "last 5 snapshots" in text
    assert "n = 3 training seeds" in text
    assert "Student-t interval over seeds" in text
    assert "Nothing is bold, because that takes 5 seeds" in text
    assert text.count("missing") >= 5  # brac, hipi: three tasks, average, IQM
    assert "2 of 3 seeds" in text
    assert "seeds 0, 1, 2: not evaluated" in text
    assert "nan" not in text.lower()


def test_the_csv_is_the_summary_in_normalised_score(config):
    frame = pd.read_csv(paths.table(config, "", "csv", SUITE))
    row = frame.query("task == 'jump' and algorithm == 'cql' and sharing == 'cds'").iloc[0]
    assert 0 < row["mean"] < 1.5
    assert row["score"] == pytest.approx(3000 * row["mean"] - 20, rel=1e-6)
    assert f"{100 * row['mean']:.1f}" in read(config, "md")


def test_comparison_table(config):
    text = read(config, "md", "comparisons")
    assert "| run-forward | no_sharing | 3 |" in text
    assert "|  | hipi | 0 | missing |" in text
    assert config.protocol_sha256[:12] in text
    frame = pd.read_csv(paths.table(config, "comparisons", "csv", SUITE))
    assert list(frame) == comparisons.COLUMNS


def test_tables_are_the_same_bytes_when_made_again(config):
    before = {e: read(config, e) for e in ("csv", "md", "tex", "html")}
    make(config, "table", SUITE)
    assert before == {e: read(config, e) for e in before}


def test_bold_marks_the_best_and_its_peers_alone(tmp_path):
    sharing = {"cds": {}, "hipi": {}, "no_sharing": {}}
    config = synthetic.config(tmp_path, sharing=sharing, seeds=5, seeds_per_job=5)
    levels = {
        "cds": [0.9, 0.91, 0.92, 0.89, 0.93],
        "hipi": [0.88, 0.93, 0.9, 0.92, 0.89],
        "no_sharing": [0.1, 0.11, 0.12, 0.11, 0.1],
    }
    parts = [
        synthetic.run_scores(SUITE, "cql", name, range(5)).assign(
            normalized_score=lambda f, v=values: f["seed"].map(dict(enumerate(v)))
        )
        for name, values in levels.items()
    ]
    from cds_bench.statistics.summary import summarise

    summary = summarise(config, pd.concat(parts, ignore_index=True), SUITE)
    table = tables.suite_table(config, SUITE, summary)
    for label, cells in table.blocks[0].rows:
        assert [cell.bold for cell in cells] == (
            [True, True, False] if label != "IQM" else [False] * 3
        )
    assert "**91.0** [89.0, 93.0]" in table_formats.markdown(table)
    assert r"\textbf{91.0}" in table_formats.latex(table)
    assert "<b>91.0</b><small>[89.0, 93.0]</small>" in table_formats.html(table)


def test_with_one_seed_nothing_is_bold(tmp_path):
    config = synthetic.config(tmp_path, seeds=1, seeds_per_job=1)
    synthetic.write(config)
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    text = read(config, "md")
    assert "Nothing is bold, because that takes 5 seeds" in text
    assert "one seed has none" in text
    assert not re.search(r"\*\*\d", text)


def test_a_failed_run_is_marked_with_its_reason(tmp_path):
    """All seeds of one method and one seed of another fail. Other cells do not change."""
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    for sharing, seeds in {"hipi": [0, 1, 2], "cds_basic": [1]}.items():
        reasons = [
            {"seed": seed, "step": 70 + seed, "reason": f"failed at step {70 + seed}: a <reason>"}
            for seed in seeds
        ]
        key = (SUITE, "cql", sharing, "0-2")
        found = pd.read_csv(paths.run_scores(config, *key))
        files.write_csv(paths.run_scores(config, *key), found[~found["seed"].isin(seeds)])
        synthetic.write_shift(config, key, failed=seeds)
        synthetic.seal(config, key, failures=reasons)
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    table = pd.read_csv(paths.table(config, "", "csv", SUITE)).set_index(["task", "sharing"])
    assert table.loc[("jump", "hipi"), ["n", "failed"]].tolist() == [0, 3]
    assert table.loc[("jump", "cds_basic"), ["n", "failed"]].tolist() == [2, 1]
    assert (table.xs("cds", level="sharing")["failed"] == 0).all()
    markdown = read(config, "md")
    assert "failed<br>0 of 3 seeds" in markdown or "failed 0 of 3 seeds" in markdown
    assert (
        "cql, cds_basic (run-forward, run-backward, jump, average, IQM): seed 1: failed" in markdown
    )
    assert "seed 2: failed at step 72: a <reason>" in markdown
    assert "missing" not in markdown
    assert "a &lt;reason&gt;" in read(config, "html")


def test_a_suite_without_scores_is_all_missing(tmp_path):
    config = synthetic.config(tmp_path)
    with pytest.raises(BenchError, match=r"scores/walker2d-mixed.csv: no such file"):
        make(config, "table", SUITE)
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    assert "missing" in read(config, "html")


def test_latex_is_balanced_and_every_row_has_all_columns(config):
    for name in ("", "comparisons"):
        text = read(config, "tex", name)
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}")
        width = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text).group(1))
        rows = re.search(r"\\toprule(.*)\\bottomrule", text, re.S).group(1).splitlines()
        cells = [row for row in rows if r"\\" in row and "multicolumn" not in row]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in cells} == {width - 1}
        assert re.search(r"(?<!\\)[_%#]", text.replace("d_z", "")) is None


def test_success_is_called_success(tmp_path):
    """The caption says so. Success at the end, here half of success, is not in the table."""
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    merging.write_suite(config, maze)
    make(config, "table", maze)
    text = paths.table(config, "", "md", maze).read_text()
    assert "Success rate ×100 (solved at any time of an episode), " + maze in text
    assert "random policy" not in text
    frame = pd.read_csv(paths.table(config, "", "csv", maze))
    row = frame.query("task == 'pointmaze-medium-20-4' and sharing == 'cds'").iloc[0]
    assert row["score"] == pytest.approx(row["mean"])
    assert row["mean"] > 0.5


def test_signs_and_markup_are_escaped():
    cells = (Cell("-1.5", ("[-2.0, +1.0]",)), Cell("a_b & <c>", bold=True))
    table = Table("t", "task", (Block("", ("x", "y"), (("run-forward", cells),)),), ("c",))
    page = table_formats.html(table)
    assert table_formats.load(table_formats.dump(table)) == table
    assert "−1.5" in page
    assert "run-forward" in page
    assert "a_b &amp; &lt;c&gt;" in page
    assert r"$-$1.5" in table_formats.latex(table)
    assert r"a\_b \& $<$c$>$" in table_formats.latex(table)


def test_small_numbers():
    assert tables.hundred(-0.0001) == "0.0"
    assert tables.p_value(0.0001) == "<0.001"
    assert tables._effect(-np.inf) == "-∞"
    assert tables._effect(np.nan) == "–"


def test_the_reference_alone_is_compared_with_nothing(tmp_path):
    config = synthetic.config(tmp_path, sharing={"cds": {}})
    synthetic.write(config)
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    assert "no other method" in read(config, "md", "comparisons")
    assert pd.read_csv(paths.table(config, "comparisons", "csv", SUITE)).empty


def test_a_score_below_the_random_policys_says_so(tmp_path):
    """Success rates start from 0, and a random policy succeeds at times."""
    maze, task = "pointmaze-medium-directed", "pointmaze-medium-20-4"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    path = paths.references(config, task)
    files.write_json(path, files.read_json(path) | {"random": {"mean": 0.99}})
    merging.write_suite(config, maze)
    make(config, "table", maze)
    lines = paths.table(config, "", "md", maze).read_text().splitlines()
    of_task = next(line for line in lines if line.startswith(f"| {task} "))
    assert of_task.count("below random") == 5
    assert sum("below random" in line for line in lines if line.startswith("| ")) == 1
    frame = pd.read_csv(paths.table(config, "", "csv", maze)).set_index(["task", "sharing"])
    assert frame.loc[(task, "cds"), "random"] == 0.99


def test_tables_say_when_the_seeds_cannot_decide(tmp_path):
    few = synthetic.config(tmp_path)
    synthetic.write(few)
    merging.write_suite(few, SUITE)
    make(few, "table", SUITE)
    text = read(few, "md", "comparisons")
    assert (
        "3 seeds cannot decide any two-sided exact test that is corrected over 4 methods: that "
        "takes 8" in text
    )
    assert "p (Welch)" in text
    many = synthetic.config(tmp_path, seeds=8, seeds_per_job=8)
    synthetic.write(many)
    merging.write_suite(many, SUITE)
    make(many, "table", SUITE)
    assert "cannot decide" not in read(many, "md", "comparisons")
