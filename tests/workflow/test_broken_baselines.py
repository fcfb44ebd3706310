"""External baselines in the workflow: a filled-in template, and broken baselines beside it."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

SINGLE, TASK = "pointmaze-medium-single", "pointmaze-medium-20-4"
MAZE_TABLE = "table_pointmaze_medium_single"
FILLED = "    return {step: (2, (seed + 1) / 4) for step in job['snapshot_steps']}\n"
CRASHING = "    raise RuntimeError('the disk of this program is full')\n"
NOT_A_NUMBER = "    return {20: (2, float('nan'))}\n"


def fill_in(root: Path, name: str, body: str) -> None:
    """Makes a baseline as a user would: copies the template, names it and fills in its function."""
    folder = root / "workflow" / "baselines"
    shutil.copytree(folder / "_template", folder / name)
    rule, program = folder / name / "rule.smk", folder / name / "run.py"
    rule.write_text(rule.read_text().replace("TEMPLATE", name))
    text, count = re.subn(r"    raise NotImplementedError.*\n", body, program.read_text())
    assert count == 1
    program.write_text(text)


def profile(project, *names: str, **changes) -> str:
    """A tiny profile of one task with these baselines."""
    values = {
        "profile": "external",
        "suites": {SINGLE: {"sizes": {TASK: 300}}},
        "sharing": {"no_sharing": None},
        "datasets": {"bands": {"directed": [0, 1]}, "reference_episodes": 2},
        "baselines": dict.fromkeys(names),
    }
    return project.profile(**values | changes)


def summary(results: Path) -> pd.DataFrame:
    table = pd.read_csv(results / "tables" / "pointmaze_medium_single.csv")
    return table[table["task"] == TASK].set_index("algorithm")


def test_broken_baselines_leave_the_others_tables(project):
    """A good baseline runs beside one that crashes and one that writes NaN. Both are then fixed."""
    for name, body in (("good", FILLED), ("crashing", CRASHING), ("nans", NOT_A_NUMBER)):
        fill_in(project.folder, name, body)
    path = profile(project, "good", "crashing", "nans")
    results = project.folder / "results" / "external"
    made = ("statistics", MAZE_TABLE, "--configfile", path)
    status, output = project.run("--cores", "2", *made)
    assert status != 0
    assert "the disk of this program is full" in output
    nans = results / "baselines" / "nans" / SINGLE / "scores.csv"
    reason = "column 'score': 2 values are not a finite number (first at row 1: got nothing (empty"
    assert f"error: results/external/baselines/nans/{SINGLE}/scores.csv: {reason}" in output
    table = summary(results)
    assert table.at["good", "mean"] == pytest.approx((0.25 + 0.5) / 2)
    assert table.at["good", "n"] == table.at["cql", "n"] == 2
    assert reason in table.at["nans", "note"]
    assert "the rules of crashing did not write" in table.at["crashing", "note"]
    compared = pd.read_csv(results / "comparisons.csv").set_index("algorithm")
    assert compared.loc["good", "reference"].unique() == ["cql x no_sharing"]
    assert "failed" in (results / "tables" / "pointmaze_medium_single.md").read_text()
    assert nans.exists()

    good = results / "baselines" / "good" / SINGLE / "scores.csv"
    before = good.stat().st_mtime_ns
    for name, body in (("crashing", CRASHING), ("nans", NOT_A_NUMBER)):
        program = project.folder / "workflow" / "baselines" / name / "run.py"
        program.write_text(program.read_text().replace(body, FILLED))
    status, output = project.run("--cores", "2", *made)
    assert status == 0, output
    assert (summary(results)["n"] == 2).all()
    assert good.stat().st_mtime_ns == before, "the good baseline is not run again"
    assert project.planned(*made) == {}
    check_mended_alone(project, path, nans)


def check_mended_alone(project, path: str, scores: Path) -> None:
    """A baseline fails again and is mended alone, with the same scores as before."""
    results, before = scores.parents[3], scores.read_bytes()
    program = project.folder / "workflow" / "baselines" / scores.parents[1].name / "run.py"
    whole = program.read_text()
    program.write_text(whole.replace(FILLED, CRASHING))
    assert project.run("--cores", "2", MAZE_TABLE, "--configfile", path)[0] != 0
    assert summary(results).at["nans", "n"] == 0
    program.write_text(whole)
    alone = ("--cores", "2", str(scores.relative_to(project.folder)))
    assert project.run(*alone, "--configfile", path)[0] == 0
    assert scores.read_bytes() == before
    renewed = {"baseline_check", "suite_statistics", "statistics", MAZE_TABLE, "report"}
    assert renewed <= project.planned("--configfile", path).keys()
    assert project.run("--cores", "2", MAZE_TABLE, "--configfile", path)[0] == 0
    assert summary(results).at["nans", "n"] == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["temlate"], "baselines: unknown name 'temlate'; did you mean 'template'?"),
        (["_template"], "baselines: unknown name '_template'"),
        (["cql"], "baselines: 'cql' is the name of an algorithm; rename baselines/cql"),
        (["Upper"], "baselines: 'Upper' is not a valid name for a baseline; use a-z, 0-9 and _"),
        (["statistics"], "The name statistics is already used by another rule"),
    ],
)
def test_names_that_clash_end_in_a_plain_message(project, names, message):
    folder = project.folder / "workflow" / "baselines"
    made = ("template", "cql", "Upper", "statistics")
    for name in made:
        fill_in(project.folder, name, FILLED)
    try:
        status, output = project.run("-n", "--configfile", profile(project, *names))
    finally:
        for name in made:
            shutil.rmtree(folder / name)
    assert status != 0
    assert message in output
    assert "Traceback" not in output
    assert len(output.splitlines()) < 8


def test_a_broken_folder_that_is_not_configured_does_no_harm(project):
    fill_in(project.folder, "wreck", FILLED)
    rule = project.folder / "workflow" / "baselines" / "wreck" / "rule.smk"
    rule.write_text("rule this is no Snakemake")
    try:
        assert project.planned("--configfile", profile(project))
    finally:
        shutil.rmtree(rule.parent)
