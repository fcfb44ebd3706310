"""docs/adding-a-suite.md, step by step: its code collects data, its profile runs to a report."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from tests.projects import ROOT

GUIDE = (ROOT / "docs" / "adding-a-suite.md").read_text()
SUITE = "reacher_two_ways"
# Not all of them, for speed: those that read what a suite declares.
RUN = (
    *(f"{kind}_{SUITE}" for kind in ("table", "headroom", "coverage")),
    "--configfile",
    "reach.yaml",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def guided(project):
    """The project after the guide's three steps."""
    declared, collect = blocks("python")
    folder = project.folder / "suites" / "reacher-two-ways"
    folder.mkdir(parents=True)
    (folder / "suite.py").write_text(declared)
    (project.folder / "reach.yaml").write_text(blocks("yaml")[0])
    project.environment["MINARI_DATASETS_PATH"] = str(project.folder / "minari")
    path = [str(project.folder)]
    if importlib.util.find_spec("jax") is None:
        path.append(str(ROOT / "tests" / "stand_ins"))
    environment = project.environment | {"PYTHONPATH": os.pathsep.join(path)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", collect], cwd=project.folder, env=environment,
        check=True,
    )  # fmt: skip
    status, output = project.run("--cores", "2", *RUN)
    assert status == 0, output
    command = ["cds-bench", "report", "--config", "reach.yaml"]
    subprocess.run(command, cwd=project.folder, env=project.environment, check=True)
    return project


def test_the_guide_leads_to_tables_and_a_report(guided):
    results = guided.folder / "results" / "reach"
    assert (results / "report.html").exists()
    table = (results / "tables" / f"{SUITE}.md").read_text()
    assert "| task | no_sharing | cds |" in table
    for task in ("reach-target", "reach-opposite"):
        assert f"| {task} |" in table
    headroom = (results / "tables" / f"{SUITE}_headroom.md").read_text()
    assert "| reach-target | reach-opposite | 2,000 |" in headroom
    assert (results / "figures" / f"{SUITE}_coverage.png").exists()
    assert "✓ inside 0.5 to 1.1" in (results / "report.html").read_text()
    assert guided.planned(*RUN) == {}


def test_its_edits_rerun_what_they_change(guided):
    """Another reward collects again, and a comment does nothing; so does another suite's code."""
    path = guided.folder / "suites" / "reacher-two-ways" / "suite.py"
    text = path.read_text()
    try:
        path.write_text(text.replace("LINK = 0.1", "LINK = 0.1  # each"))
        assert guided.planned(*RUN) == {}
        path.write_text(text.replace("0.1 * np.square(actions)", "0.2 * np.square(actions)"))
        plan = guided.planned(*RUN)
    finally:
        path.write_text(text)
    assert (plan["references"], plan["dataset"], plan["pool"]) == (2, 2, 1)
    assert plan["train"] == 2


def test_missing_data_end_in_a_plain_message(guided):
    path = guided.folder / "suites" / "reacher-two-ways" / "suite.py"
    text = path.read_text()
    try:
        path.write_text(text.replace("minari:reacher/", "minari:nowhere/"))
        status, output = guided.run("-n", *RUN)
    finally:
        path.write_text(text)
    assert status != 0
    assert "task 'reach-target': there are no data at" in output
    assert "Traceback" not in output


def test_its_last_step_exports_and_imports(guided, tmp_path):
    def run(*arguments):
        return subprocess.run(
            ["cds-bench", *arguments], cwd=guided.folder, env=guided.environment,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    exported = blocks("bash")[1].splitlines()[0].split("#")[0].split()[1:]
    files = run(*exported[:-1], str(tmp_path)).split()
    told = json.loads((tmp_path / "reacher-two-ways" / "croissant.json").read_text())
    assert told["creator"]["name"] == "A. Jones"
    assert told["citeAs"] == "A. Jones: Two tasks for one arm, 2026."
    assert told["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"
    assert len(files) == 4
    target = tmp_path / "reacher-two-ways" / "reach-target-v0"
    told = run("import", str(target), str(tmp_path / "target.hdf5"))
    assert "2,000 transitions in 40 episodes" in told
