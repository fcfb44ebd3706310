"""The README's example strategy works unchanged, and the README's commands exist."""

import re
import types
from pathlib import Path

import torch

from tests.training.test_loop import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


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


def test_linked_pictures_exist():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_guides_example_is_the_strategy_in_the_package():
    guide = (ROOT / "docs" / "adding-a-baseline.md").read_text()
    text = re.search(r"```python\n(.*?)```", guide, re.DOTALL)[1]
    assert text == (ROOT / "cds_bench" / "sharing" / "uds.py").read_text()
    for path in re.findall(r"`((?:cds_bench|tests|workflow)/[\w/]+\.\w+)`", guide):
        assert (ROOT / path).exists() or path.endswith("mine.yaml"), path
