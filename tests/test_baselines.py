"""External baselines: a filled-in template, broken baselines beside it, and their scores."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cds_bench import baselines, cli, config
from cds_bench.errors import BenchError
from cds_bench.seeding import seed_of
from cds_bench.statistics import schema
from cds_bench.statistics.comparisons import comparisons
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.summary import summarise
from cds_bench.storage import files, paths
from tests.report import synthetic

ROOT = Path(__file__).parents[1]
SINGLE, TASK = "pointmaze-medium-single", "pointmaze-medium-20-4"
MAZE_TABLE = "table_pointmaze_medium_single"
FILLED = (
    "    return {step: (2, (seed + 1) / 4) for step in job['suites'][suite]['snapshot_steps']}\n"
)
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
    nans = results / "baselines" / "nans" / "scores.csv"
    reason = "column 'score': 2 values are not a finite number (first at row 1: got nothing (empty"
    assert f"error: results/external/baselines/nans/scores.csv: {reason}" in output
    table = summary(results)
    assert table.at["good", "mean"] == pytest.approx((0.25 + 0.5) / 2)
    assert table.at["good", "n"] == table.at["cql", "n"] == 2
    assert reason in table.at["nans", "note"]
    assert "the rules of crashing did not write" in table.at["crashing", "note"]
    compared = pd.read_csv(results / "comparisons.csv").set_index("algorithm")
    assert compared.loc["good", "reference"].unique() == ["cql x no_sharing"]
    assert "failed" in (results / "tables" / "pointmaze_medium_single.md").read_text()
    assert nans.exists()

    good = results / "baselines" / "good" / "scores.csv"
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
    results, before = scores.parents[2], scores.read_bytes()
    program = project.folder / "workflow" / "baselines" / scores.parent.name / "run.py"
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


@pytest.fixture
def settings(tmp_path):
    """Three seeds of our own scores, and the configured baseline d3rlpy_cql."""
    made = synthetic.config(tmp_path, suites={SINGLE: {}}, baselines={"d3rlpy_cql": {"option": 1}})
    synthetic.write(made)
    return made


@pytest.fixture
def written(settings):
    """`written(change)` writes the baseline's scores after a change of the frame."""
    ours = synthetic.run_scores(SINGLE, "cql", "no_sharing", range(3))

    def write(change=lambda frame: frame):
        frame = change(ours.assign(algorithm="d3rlpy_cql"))
        files.write_csv(paths.baseline_scores(settings, "d3rlpy_cql"), frame)

    return write


def better(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every score raised by a tenth of the distance to 1."""
    raised = frame["score"] + 0.1 * (1 - frame["score"])
    return frame.assign(score=raised, normalized_score=raised)


def put(frame: pd.DataFrame, row: int, column: str, value) -> pd.DataFrame:
    """The frame with one value replaced. Rows are counted from 1."""
    frame = frame.astype({column: object})
    frame.loc[frame.index[row - 1], column] = value
    return frame


BROKEN = {
    "a column too few": (lambda f: f.drop(columns="score"), "column 'score' is missing; expected"),
    "a column too many": (
        lambda f: f.assign(sed=1),
        "unexpected column 'sed'; did you mean 'seed'",
    ),
    "a row twice": (lambda f: pd.concat([f, f[3:4]]), "rows 4 and 85 have the same key"),
    "not a number": (
        lambda f: put(f, 7, "score", np.nan),
        "column 'score': 1 values are not a fin",
    ),
    "a word": (lambda f: put(f, 7, "step", "ten"), "(first at row 7: got 'ten')"),
    "another's rows": (
        lambda f: put(f, 5, "algorithm", "cql"),
        "column 'algorithm': 1 values are not 'd3rlpy_cql', the baseline's name (first at row 5:",
    ),
    "another seed": (
        lambda f: f.assign(seed=f["seed"] + 1),
        "column 'seed': 28 values are not configured (0 to 2) (first at row 57: got '3')",
    ),
    "another task": (lambda f: put(f, 2, "task", "jump"), "unknown name 'jump' at row 2"),
    "another suite": (
        lambda f: f.assign(suite="pointmaze-medium-directed"),
        f"are not configured ({SINGLE}) (first at row 1: got 'pointmaze-medium-directed')",
    ),
    "no rows": (lambda f: f[:0], f"has no rows; expected scores of {SINGLE}"),
}


def test_the_command_names_the_baselines_that_are_configured(settings, monkeypatch):
    arguments = ["check-baseline", "--baseline", "d3rlpy", "--config", settings.model_dump_json()]
    monkeypatch.setattr("sys.argv", ["cds-bench", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    message = "--baseline: 'd3rlpy' is not configured; did you mean 'd3rlpy_cql'?"
    assert message in str(end.value)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_scores_are_refused_and_explained(settings, written, name):
    change, message = BROKEN[name]
    written(change)
    path = paths.baseline_scores(settings, "d3rlpy_cql")
    with pytest.raises(BenchError, match=re.escape(message)) as error:
        schema.write_checked(settings, "d3rlpy_cql")
    assert str(error.value).startswith(str(path))
    assert not paths.baseline_checked(settings, "d3rlpy_cql").exists()
    assert_others_stand(settings, message)


def test_no_table_and_no_file_at_all(settings):
    path = paths.baseline_scores(settings, "d3rlpy_cql")
    assert_others_stand(settings, f"the rules of d3rlpy_cql did not write {path}")
    files.write_text(path, 'a,b\n1,2,3\n"')
    with pytest.raises(BenchError, match="not a CSV table"):
        schema.write_checked(settings, "d3rlpy_cql")
    assert_others_stand(settings, "not a CSV table")


def assert_others_stand(settings, reason: str) -> None:
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings))
    table = summarise(settings, scores, SINGLE, schema.lacking(settings, SINGLE))
    broken = table[table["algorithm"] == "d3rlpy_cql"]
    assert (broken["n"] == 0).all()
    assert (broken["failed"] == 3).all()
    assert broken["note"].str.startswith("seeds 0, 1, 2: ").all()
    assert broken["note"].str.contains(reason, regex=False).all()
    assert (table[table["algorithm"] == "cql"]["n"] == 3).all()


def test_a_baseline_stands_beside_ours_and_is_compared_by_seed(settings, written):
    written(better)
    schema.write_checked(settings, "d3rlpy_cql")
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings))
    assert schema.lacking(settings, SINGLE).empty
    ours, theirs = (
        matrix(settings, headline(scores, settings.protocol), SINGLE, (algorithm, "no_sharing"))
        for algorithm in ("cql", "d3rlpy_cql")
    )
    np.testing.assert_allclose(theirs, ours + 0.1 * (1 - ours))
    found = comparisons(settings, scores, SINGLE).query("algorithm == 'd3rlpy_cql'")
    assert list(found["task"]) == [TASK, "average"]
    assert set(found["reference"]) == {"cql x no_sharing"}
    assert found["difference"].tolist() == pytest.approx([0.1 * (1 - ours.mean())] * 2)
    assert found["p"].tolist() == [0.25, 0.25]


def test_a_baseline_that_fails_when_run_again_loses_its_scores(settings, written):
    written()
    schema.write_checked(settings, "d3rlpy_cql")
    checked = paths.baseline_checked(settings, "d3rlpy_cql")
    assert schema.checked_baselines(settings) == [checked]
    raw = paths.baseline_scores(settings, "d3rlpy_cql")
    os.utime(raw, (checked.stat().st_mtime + 10,) * 2)
    assert schema.checked_baselines(settings) == [checked], "times do not count"
    written(better)  # written again, not checked yet
    assert_others_stand(settings, "not checked")
    raw.unlink()  # as Snakemake does when its rule fails
    assert schema.checked_baselines(settings) == []
    assert_others_stand(settings, "the rules of d3rlpy_cql did not write")


def test_an_unknown_sharing_is_compared_with_the_reference(settings, written):
    written(lambda frame: frame.assign(sharing="everything"))
    schema.write_checked(settings, "d3rlpy_cql")
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings))
    found = comparisons(settings, scores, SINGLE).query("algorithm == 'd3rlpy_cql'")
    assert set(found["reference"]) == {"cql x cds"}


def test_the_job_describes_our_own_runs(settings):
    job = json.loads(json.dumps(baselines.job(settings, "d3rlpy_cql")))
    assert job["options"] == {"option": 1}
    assert job["seeds"] == [0, 1, 2]
    suite = job["suites"][SINGLE]
    assert suite["datasets"] == {TASK: str(paths.dataset(settings, SINGLE, TASK))}
    assert suite["training"]["steps"] == suite["snapshot_steps"][-1] == settings.training.steps
    assert suite["algorithms"]["cql"] == vars(config.options("algorithms", "cql", {}))
    assert job["tasks"][TASK]["starts"][1][0] == seed_of("evaluate", TASK, 1, 0) % 2**31
