"""The numbers of docs/theory.md, against the files of the reference run."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "reference" / "study"
PAGE = (ROOT / "docs" / "theory.md").read_text()
TEXT = " ".join(PAGE.split())
SUMMARY = pd.read_csv(FOLDER / "theory" / "summary.csv")
CASE = (1.0, 640)  # the alpha and the data size of most tables


def table(start: str) -> tuple[list[str], dict[str, list[str]]]:
    """The columns of the page's table whose header starts so, and its rows by their first cell."""
    header, body = re.search(rf"^{re.escape(start)}(.*)\|\n.*\n((?:\|.*\n)+)", PAGE, re.M).groups()
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in body.splitlines()]
    return [name.strip() for name in header.split("|")], {name: cells for name, *cells in rows}


def case(alpha: float, transitions: int) -> pd.DataFrame:
    found = SUMMARY[(SUMMARY["alpha"] == alpha) & (SUMMARY["transitions"] == transitions)]
    return found.set_index("strategy")


@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_safety(alpha):
    strategies, rows = table(f"| transitions per task, alpha {alpha:g} |")
    assert list(rows) == ["40", "160", "640"]
    for size, cells in rows.items():
        found = case(alpha, int(size)).loc[strategies]
        expected = zip(found["below"], found["improvement"], strict=True)
        assert cells == [f"{100 * below:.1f} ({gain:.1f})" for below, gain in expected]


def test_the_conditions_of_safety():
    found = pd.read_csv(FOLDER / "theory" / "conditions.csv")
    found = found[(found["alpha"] == CASE[0]) & (found["transitions"] == CASE[1])]
    order = [("overlap", x) for x in (0.0, 0.5, 0.9)] + [("coverage", x) for x in (0.1, 0.5)]
    order += [("quality", x) for x in (1.0, 2.0, 3.0, 4.0)]
    _, rows = table("| | overlap 0 |")
    for strategy, cells in rows.items():
        of = found[found["strategy"] == strategy].set_index(["factor", "level"])["unsafe"]
        assert cells == [f"{100 * share:.1f} %" for share in of.loc[order]], strategy


def test_the_trade_off():
    found = case(0.1, 640)
    strategies, rows = table("| | no_sharing | sharing_all | cds |")
    assert strategies == ["cds_basic"]
    for quantity, cells in rows.items():
        expected = found.loc[["no_sharing", "sharing_all", "cds", "cds_basic"], quantity]
        assert cells == [f"{value:.2f}" for value in expected], quantity


def test_optimal_weights():
    _, rows = table("| | lowest fifth |")
    found = case(*CASE)
    for strategy, cells in rows.items():
        weights = found.loc[strategy, [f"weight_q{place}" for place in range(1, 6)]]
        assert cells == [f"{weight:.2f}" for weight in weights], strategy
    distance = found["optimal_distance"]
    assert (
        "The mean distance from the optimal weights is "
        f"{distance['cds']:.2f} for cds, {distance['no_sharing']:.2f} for no_sharing, "
        f"{distance['sharing_all']:.2f} for sharing_all, {distance['cds_basic']:.2f} for cds_basic "
        f"and {distance['oracle']:.2f} for the oracle."
    ) in TEXT


def test_constants_pairs_and_settling():
    constant = SUMMARY.groupby("alpha")["constant"].first()
    assert f"It is {constant[0.1]:.2f} for alpha 0.1 and {constant[1.0]:.2f} for alpha 1." in TEXT
    pairs = pd.read_csv(FOLDER / "theory" / "pairs.csv").set_index(["alpha", "transitions"])
    found = pairs.loc[CASE]
    for other in ("no_sharing", "sharing_all"):
        assert (
            f"cds is unsafe in {found[f'worse_than_{other}']:.0f} worlds and only {other} in "
            f"{found[f'better_than_{other}']:.0f} (p = {found[f'p_{other}']:.0e})"
        ) in TEXT
    moving = 100 * SUMMARY.groupby("strategy")["unsettled"].agg(["min", "max"])
    mean, high = moving.loc["cds_basic"], moving.loc["cds_basic_k90"]
    assert f"had not settled in {mean['min']:.0f} to {mean['max']:.0f} % of them" in TEXT
    assert f"with the 90th percentile in {high['min']:.0f} to {high['max']:.0f} %" in TEXT
    assert f"in all but {moving.loc['cds', 'max']:.1f} % of the worlds" in TEXT


def test_the_verdicts_stand_on_the_page_of_claims():
    made = (FOLDER / "tables" / "paper_table_theory.md").read_text()
    verdicts = re.findall(r"^Claim [67] is .*$", made, re.M)
    assert len(verdicts) == 2
    page = " ".join((ROOT / "docs" / "claims.md").read_text().split())
    assert all(verdict in page for verdict in verdicts)
