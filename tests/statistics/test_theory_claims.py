"""Claims 6 and 7 in claims.csv, from the simulation to the table."""

import pytest

from cds_bench.config import load
from cds_bench.errors import BenchError
from cds_bench.report.making import make
from cds_bench.report.table_formats import markdown
from cds_bench.statistics.decisions import OVERALL
from cds_bench.statistics.theory_claims import read_theory, theoretical
from cds_bench.storage import files, paths
from cds_bench.theory.claims import routed, safe
from cds_bench.theory.results import write_theory


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("theory"))
        found = load('{"theory": "tiny", "suites": {"walker2d-mixed": {}}}')
        write_theory(found)
        yield found


def test_the_simulation_is_repeatable(config):
    first = paths.theory(config).read_bytes()
    write_theory(config)
    assert paths.theory(config).read_bytes() == first


@pytest.mark.parametrize(("claim", "decide", "cases"), [(6, safe, 2), (7, routed, 4)])
def test_the_rows_are_the_verdicts_of_the_simulation(config, claim, decide, cases):
    verdict, _, numbers = decide(read_theory(config), config.protocol.confidence)
    *rows, whole = [row for row in theoretical(config) if row.claim == claim]
    assert {row.scope: row.verdict for row in rows} == {
        f"alpha {alpha:g}, {size} transitions": case["verdict"]
        for (alpha, size), case in numbers["cases"].items()
    }
    assert all(row.low <= row.estimate <= row.high and row.n <= 18 for row in rows)
    assert (whole.scope, whole.verdict) == (OVERALL, verdict)


def test_without_a_simulation_the_claims_are_undecided():
    config = load('{"suites": {"walker2d-mixed": {}}}')
    assert [(row.claim, row.note) for row in theoretical(config)] == [
        (6, "theory: none"), (7, "theory: none"),
    ]  # fmt: skip
    with pytest.raises(BenchError, match="set 'theory: tiny or full' in the profile"):
        write_theory(config)


def test_the_table_has_a_row_per_strategy(config):
    (table,) = make(config, "paper_table_theory")
    text = markdown(table)
    assert "**alpha 0.1, 40 transitions per task**" in text
    for name in ("no_sharing", "cds", "cds_basic", "optimal_weights (reference)"):
        assert f"| {name} | " in text
    assert paths.figure(config, "paper_table_theory", "png").stat().st_size > 10_000


def test_a_damaged_file_names_its_column(config):
    path = paths.theory(config)
    whole = path.read_text()
    try:
        files.write_text(path, whole.replace("sharing_all", "sharing_al", 1))
        with pytest.raises(BenchError, match=r"theory\.csv: column 'strategy'"):
            read_theory(config)
        files.write_text(path, whole.replace(",gap,", ",gaps,", 1))
        with pytest.raises(BenchError, match="column 'gap' is missing"):
            read_theory(config)
    finally:
        files.write_text(path, whole)
