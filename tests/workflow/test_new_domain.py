"""A domain is one module in envs/ and one module of recipes: nothing else is edited."""

import subprocess

import pytest

WORLD = '''"""A toy: one task on a line."""

import numpy as np

from envs.specs import Source, Suite, Task

ENVIRONMENTS = "envs.toy"
BANDS = {"clumsy": (0.1, 0.9)}
TASKS = {
    "toy-right": Task(
        name="toy-right",
        domain="toy",
        env_id="cds/toy-right-v0",
        metric="success",
        horizon=10,
        infos=("place", "speed"),
        axes=("place (m)", "speed (m/s)"),
        reward=lambda columns: (columns["infos/place"] > 1.0).astype(np.float64),
        terminal=lambda columns: columns["infos/place"] > 1.0,
    )
}
SUITES = {"toy-line": Suite("toy-line", "toy", {"toy-right": Source("clumsy", 500)})}
'''
RECIPES = '''"""How data of the toy are made."""

REFERENCE = "clumsy"
STEPS = 1


def recipes(config, task, quality):
    raise NotImplementedError
'''


@pytest.fixture
def toy(project):
    """The profile of a project that has the toy domain."""
    world = project.folder / "envs" / "toy.py"
    recipes = project.folder / "cds_bench" / "behaviour" / "toy.py"
    world.write_text(WORLD)
    recipes.write_text(RECIPES)
    yield project.profile(profile="toy", suites={"toy-line": None}, datasets={})
    world.unlink()
    recipes.unlink()


def code_of(project, toy: str) -> list[str]:
    """The fingerprint of the modules behind the toy's data, and its gate's band."""
    program = """
import sys
from cds_bench import jobs
from cds_bench.config import load
from cds_bench.storage.fingerprint import fingerprint
print(fingerprint(*jobs.behaviours("toy")), load(sys.argv[1]).datasets.bands["clumsy"])
"""
    command = ["python", "-c", program, toy]
    return subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip


def test_it_is_planned(project, toy):
    plan = project.planned("--configfile", toy)
    assert (plan["references"], plan["dataset"], plan["pool"]) == (1, 1, 1)
    assert plan["train"] == plan["evaluate"] == 2
    assert plan["table_toy_line"] == plan["coverage_toy_line"] == 1
    assert "headroom_toy_line" not in plan, "it has one task"


def test_its_gate_and_its_code_are_its_own(project, toy):
    before = code_of(project, toy)
    assert "(0.1, 0.9)" in before
    recipes = project.folder / "cds_bench" / "behaviour" / "toy.py"
    recipes.write_text(RECIPES.replace("STEPS = 1", "STEPS = 2"))
    assert code_of(project, toy) != before
