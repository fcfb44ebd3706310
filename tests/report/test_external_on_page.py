"""External baselines in ranks and on the page; the abstract names all that the tables lack."""

import pytest

from cds_bench.errors import BenchError
from cds_bench.report import page, provenance
from cds_bench.report.making import make
from cds_bench.statistics import merging, schema
from cds_bench.storage import files, paths
from tests.report import synthetic

SINGLE, NAME = "pointmaze-medium-single", "d3rlpy_cql"


@pytest.fixture
def config(tmp_path):
    """Results of our runs and of a baseline, both complete."""
    made = synthetic.config(tmp_path, suites={SINGLE: {}}, baselines={NAME: {}})
    synthetic.write(made)
    ours = synthetic.run_scores(SINGLE, "cql", "no_sharing", range(3))
    files.write_csv(paths.baseline_scores(made, NAME, SINGLE), ours.assign(algorithm=NAME))
    schema.write_checked(made, NAME, SINGLE)
    return made


def problems(config) -> list[str]:
    return page.abstract(config, provenance.runs(config))["problems"]


def table(config) -> str:
    merging.write_suite(config, SINGLE)
    merging.write_profile(config)
    make(config, "table", SINGLE)
    return paths.table(config, "", "md", SINGLE).read_text()


def test_a_baseline_is_on_the_page_and_the_ranks_say_why_it_is_not_in_them(config):
    table(config)
    make(config, "table_ranks")
    ranks = paths.table(config, "ranks", "md").read_text()
    assert (
        f"External baselines ({NAME}) have no rank: a task is ranked over the seeds that" in ranks
    )
    assert problems(config) == []
    glance = dict(page.glance(config))
    assert glance[f"{NAME} × no_sharing"] == glance["cql × no_sharing"]


def test_the_abstract_names_a_baseline_that_a_table_marks(config):
    """Scores without their last snapshot, which tables once showed as "1 of 2 snapshots"."""
    path = paths.baseline_scores(config, NAME, SINGLE)
    frame = schema.read_csv(path)
    files.write_csv(path, frame[frame["step"] < frame["step"].max()])
    marked = table(config)
    assert "failed 0 of 3 seeds" in marked
    (problem,) = problems(config)
    assert problem.startswith(
        f"{SINGLE}, {NAME} × -, seeds 0, 1, 2: {path}: 3 rows of {SINGLE} are"
    )
    assert f"{path}: 3 rows of {SINGLE} are missing" in marked


def test_the_abstract_names_scores_that_no_table_is_made_of(config):
    key = (SINGLE, "cql", "cds", "0-2")
    frame = schema.read_csv(path := paths.run_scores(config, *key))
    files.write_csv(path, frame[frame["step"] < frame["step"].max()])
    synthetic.seal(config, key)
    with pytest.raises(BenchError, match=f"6 rows of {SINGLE} are missing"):
        table(config)
    (problem,) = problems(config)
    assert problem.startswith(f"{SINGLE}: {path}: 6 rows of {SINGLE} are missing")


def test_complete_results_have_no_problem(config):
    assert "of 3 seeds" not in table(config)
    assert problems(config) == []
