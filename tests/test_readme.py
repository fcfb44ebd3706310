"""The README's example strategy works unchanged, and the README's commands exist."""

import re
import types
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.training.test_loop import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GENERATED = ("results.md",)  # pages of the site that `make docs` writes


def test_the_example_strategy_trains():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    text = next(block for block in blocks if "def share(" in block)
    module = types.ModuleType("half_sharing")
    exec(text, module.__dict__)
    result = train(strategy=module, strategy_config=module.Config(), seeds=[0, 1])
    weight = result.metrics.query("metric == 'weight'")
    own = weight.source == weight.target
    assert (weight[own].value == 1.0).all()
    foreign = weight[~own].value
    assert ((foreign >= 0.0) & (foreign <= 0.5)).all()
    assert foreign.max() > 0.0
    assert all(torch.isfinite(values).all() for values in result.policies.values())


def test_make_targets_and_profiles_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"^make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"workflow/config/\w+\.yaml", README):
        assert (ROOT / path).exists(), path


def test_it_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= 130


def test_links_to_files_exist():
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for path in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
            if "://" not in path and path not in GENERATED:
                assert (document.parent / path).exists(), f"{document.name}: {path}"


def test_the_headline_numbers_are_those_of_the_reference_run():
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", README, re.MULTILINE)
    assert len(rows) == 3
    for suite, cells in rows:
        name = f"{suite.replace('-', '_')}.csv"
        table = pd.read_csv(ROOT / "results/reference/default/tables" / name)
        means = 100 * table.loc[table["task"] == "average", "mean"]
        assert [float(cell) for cell in cells.split("|")] == pytest.approx(list(means), abs=0.051)


def test_the_guides_example_is_the_strategy_in_the_package():
    guide = (ROOT / "docs" / "adding-a-strategy.md").read_text()
    text = re.search(r"```python\n(.*?)```", guide, re.DOTALL)[1]
    assert text == (ROOT / "cds_bench" / "sharing" / "uds.py").read_text()
    for path in re.findall(r"`((?:cds_bench|tests|workflow)/[\w/]+\.\w+)`", guide):
        assert (ROOT / path).exists() or path.endswith("mine.yaml"), path
