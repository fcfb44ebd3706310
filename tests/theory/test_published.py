"""The tables of docs/theory.md, against the files of the reference run."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SUMMARY = ROOT / "results" / "reference" / "study" / "theory" / "summary.csv"
PAGE = (ROOT / "docs" / "theory.md").read_text()


@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_the_page_has_the_numbers_of_the_reference_run(alpha):
    pattern = rf"\| transitions per task, alpha {alpha:g} \|(.*) \|\n.*\n((?:\|.*\n)+)"
    header, body = re.search(pattern, PAGE).groups()
    strategies = [name.strip() for name in header.split("|")]
    summary = pd.read_csv(SUMMARY).set_index(["alpha", "transitions", "strategy"])
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in body.splitlines()]
    assert len(lines) == 3
    for size, *cells in lines:
        for strategy, cell in zip(strategies, cells, strict=True):
            row = summary.loc[(alpha, int(size), strategy)]
            assert cell == f"{100 * row['below']:.1f} ({row['improvement']:.1f})"
