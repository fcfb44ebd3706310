"""What external baselines are given: our plug-ins' defaults, and an exact lock."""

import re
from pathlib import Path

import pytest

from cds_bench import config
from cds_bench.config import plugins

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", plugins.names("algorithms"))
def test_defaults_are_read_as_they_are(name):
    assert plugins.defaults("algorithms", name) == vars(config.options("algorithms", name, {}))


def test_the_lock_is_exact_and_covers_what_is_asked_for():
    folder = ROOT / "workflow" / "baselines" / "d3rlpy_cql"
    locked, asked_for = (
        {line for line in (folder / name).read_text().splitlines() if not line.startswith("#")}
        for name in ("requirements.lock", "requirements.in")
    )
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][a-z0-9.]*", line) for line in locked)
    assert asked_for <= locked
