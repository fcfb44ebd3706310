"""The tables and the figure of a paper. LaTeX compiles every table."""

import shutil
import subprocess

import pandas as pd
import pytest

from cds_bench import jobs
from cds_bench.report import products, targets
from cds_bench.report.making import make, write
from cds_bench.statistics import merging
from cds_bench.storage import files, paths
from cds_bench.theory.results import write_theory
from tests.report import synthetic
from tests.report.test_page import complete

QUALITIES = ("walker2d-medium", "walker2d-expert")
MAZE = "pointmaze-medium-directed"
PICTURES = "pick-place-small"
SHARING = {name: {} for name in ("no_sharing", "sharing_all", "cds", "oracle")}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Complete results on two data qualities and a maze, with two algorithms and a reference."""
    config = synthetic.config(
        tmp_path_factory.mktemp("results"),
        suites={suite: {} for suite in (*QUALITIES, MAZE)},
        algorithms={"cql": {}, "bc": {"sharing": ["no_sharing"]}},
        sharing=SHARING,
        protocol={"resamples": 200},
    )
    synthetic.write(config)
    for suite in config.suites:
        for algorithm, sharing in config.methods:
            write_shift(config, suite, algorithm, sharing)
        merging.write_suite(config, suite)
    merging.write_profile(config)
    for product, suite in targets.listed(config):
        if "tex" in product.table and not product.data:
            write(config, product, suite)
    return config


def write_shift(config, suite, algorithm, sharing):
    key = (suite, algorithm, sharing, "0-2")
    cells = [(seed, task) for seed in range(3) for task in jobs.suite_tasks(suite)]
    kl = 2.0 if suite == "walker2d-expert" else 1.0
    moved = [(seed, task, kl, -3.0) for seed, task in cells]
    columns = ["seed", "task", "kl", "log_likelihood"]
    files.write_csv(paths.run(config, *key) / "shift.csv", pd.DataFrame(moved, columns=columns))
    values = [(suite, task, algorithm, sharing, seed, 12.0, 10.0) for seed, task in cells]
    columns = ["suite", "task", "algorithm", "sharing", "seed", "q_initial", "discounted_return"]
    files.write_csv(paths.run_values(config, *key), pd.DataFrame(values, columns=columns))
    synthetic.seal(config, key)


def test_the_main_table_has_every_suite_and_method(config):
    frame = pd.read_csv(paths.table(config, "paper_table_main", "csv"))
    assert list(dict.fromkeys(frame["domain"])) == ["locomotion", "navigation"]
    assert len(frame) == len(config.suites) * 4 * 5, "three tasks and an average, five methods"
    own = pd.read_csv(paths.table(config, "", "csv", MAZE))
    expected = own[own["task"] != "iqm"].reset_index(drop=True)
    found = frame[frame["suite"] == MAZE].drop(columns="domain").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    text = paths.table(config, "paper_table_main", "md").read_text()
    header = "| no_sharing | sharing_all | cds | oracle (reference) | bc: no_sharing |"
    assert text.count(f"| suite, task {header}") == 2, "a block per domain"
    assert "| pointmaze-medium-directed, average |" in text
    assert "pointmaze-medium-directed: Success rate" in text
    assert "walker2d-medium, walker2d-expert: Normalised score" in text


def test_shift_over_qualities_leaves_other_suites_out(config):
    frame = pd.read_csv(paths.table(config, "paper_table_shift", "csv"))
    assert list(dict.fromkeys(frame["suite"])) == list(QUALITIES)
    assert set(frame["measure"]) == {"kl", "normalized_score"}
    text = paths.table(config, "paper_table_shift", "md").read_text()
    assert "| walker2d-medium, average | 1 [1, 1] |" in text
    assert "| walker2d-expert, average | 2 [2, 2] |" in text


def test_routing_is_the_share_at_the_end_of_training(config):
    frame = pd.read_csv(paths.table(config, "paper_figure_routing", "csv"))
    sums = frame.groupby(["suite", "sharing", "target"])["share"].sum()
    assert sums.to_numpy() == pytest.approx(1)
    own = frame[frame["source"] == frame["target"]].groupby("sharing")["share"].mean()
    assert own["no_sharing"] == 1
    assert own["sharing_all"] == pytest.approx(1 / 3)
    assert own["sharing_all"] < own["cds"] < 1
    found = [paths.figure(config, "paper_figure_routing", end) for end in ("png", "svg")]
    before = [path.read_bytes() for path in found]
    make(config, "paper_figure_routing")
    assert before == [path.read_bytes() for path in found]


def test_missing_runs_do_not_fail(tmp_path):
    config = synthetic.config(tmp_path, suites={suite: {} for suite in QUALITIES})
    for suite in config.suites:
        merging.write_suite(config, suite)
        make(config, "table", suite)
    for target in ("paper_table_main", "paper_table_shift", "paper_figure_routing"):
        (table,) = make(config, target)
        assert table.blocks


def test_latex_compiles_every_table(config, collected, tmp_path):
    """They need only booktabs. Debian: apt-get install texlive-latex-recommended."""
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed (Debian: apt-get install texlive-latex-recommended)")
    kinds = {product.name for product in products.PRODUCTS if "tex" in product.table}
    compiled = set()
    for made in (config, complete(tmp_path / "complete", collected), seen(tmp_path / "seen")):
        for product, suite in targets.listed(made):
            for path in product.tables(made, suite):
                if path.suffix == ".tex" and path.exists():
                    compile_latex(path.read_text(), tmp_path)
                    compiled.add(product.name)
    assert compiled == kinds


def seen(folder):
    """Results on pictures, and the simulation of the theory."""
    config = synthetic.config(folder, suites={PICTURES: {}}, sharing=SHARING, theory="tiny")
    synthetic.write(config)
    merging.write_suite(config, PICTURES)
    write_theory(config)
    make(config, "table", PICTURES)
    make(config, "paper_table_vision")
    make(config, "paper_table_theory")
    return config


def compile_latex(table, folder):
    (folder / "table.tex").write_text(
        f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}\n{table}\n"
        "\\end{document}\n"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "table.tex"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert result.returncode == 0, result.stdout[-3000:]
    assert (folder / "table.pdf").exists()
