"""The guide's training loop and the README's lines for loading results run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import torch

from cds_bench.storage import paths

ROOT = Path(__file__).parents[1]
POOL = "results/default/pools/walker2d-mixed.hdf5"


def code(page: str, holding: str) -> str:
    """The block of Python on a page that contains a text."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return next(block for block in blocks if holding in block)


def run(text: str) -> dict:
    """The names that a text defines."""
    found: dict = {}
    exec(text, found)
    return found


def test_the_guides_loop_learns_with_the_weights_of_cds(trained):
    text = code("docs/library.md", "cds.share")
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
    text = code("docs/library.md", "class CQL") + text.replace("range(1000)", "range(20)")
    torch.manual_seed(0)
    found = run(text.replace(POOL, str(paths.pool(trained, "walker2d-mixed"))))
    weight, own = found["weight"], found["source"][found["rows"]] == found["task"]
    assert own.sum() == 128
    assert (weight[own] == 1.0).all()
    values = found["values"].flatten()
    expected = torch.sigmoid((values - values[own].mean()) / found["state"].item())
    torch.testing.assert_close(weight[~own], expected[~own])
    assert 0.0 < weight[~own].min() < weight[~own].max() < 1.0
    learned, behind = (
        torch.cat([p.flatten() for p in network.parameters()])
        for network in (found["cql"].q, found["cql"].target)
    )
    assert learned.isfinite().all()
    assert not torch.equal(learned, behind)


def test_the_readmes_two_lines_load_a_pool_and_the_scores(trained):
    text = code("README.md", "load_pool")
    assert len([line for line in text.splitlines() if line and "import" not in line]) == 2
    scores = ROOT / "results" / "reference" / "default" / "scores.csv"
    text = text.replace(POOL, str(paths.pool(trained, "walker2d-mixed")))
    found = run(text.replace("results/default/scores.csv", str(scores)))
    assert found["pool"].tasks == ("run-forward", "run-backward", "jump")
    assert len(found["pool"].rewards) == 750
    assert {"task", "sharing", "seed", "normalized_score"} <= set(found["scores"].columns)


def test_the_guide_needs_only_the_packages_that_it_names():
    """The other packages cannot be imported here, as if they were not installed."""
    blocked = ("scipy", "matplotlib", "gymnasium", "mujoco", "minari", "snakemake", "typer", "yaml")
    imports = re.findall(r"^(?:from|import) .*$", code("docs/library.md", "cds.share"), re.M)
    assert len(imports) >= 3
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked}))"
    command = [sys.executable, "-c", "\n".join([block, *imports])]
    subprocess.run(command, check=True, cwd=ROOT)
