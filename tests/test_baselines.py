"""External baselines: their job, and scores that are good or broken."""

import json
import os
import re

import numpy as np
import pandas as pd
import pytest

from cds_bench import baselines, cli, config
from cds_bench.errors import BenchError
from cds_bench.seeding import seed_of
from cds_bench.statistics import schema
from cds_bench.statistics.comparisons import comparisons, pairs
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.summary import summarise
from cds_bench.storage import files, paths
from tests.report import synthetic

SINGLE, TASK = "pointmaze-medium-single", "pointmaze-medium-20-4"
KEY = ("d3rlpy_cql", SINGLE)


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
        files.write_csv(paths.baseline_scores(settings, *KEY), frame)

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
        f"are not '{SINGLE}' (first at row 1: got 'pointmaze-medium-directed')",
    ),
    "no rows": (lambda f: f[:0], f"has no rows; expected scores of {SINGLE}"),
}


def test_the_command_names_the_baselines_that_are_configured(settings, monkeypatch):
    named = ["--baseline", "d3rlpy", "--suite", SINGLE]
    arguments = ["check-baseline", *named, "--config", settings.model_dump_json()]
    monkeypatch.setattr("sys.argv", ["cds-bench", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    message = "--baseline: 'd3rlpy' is not configured; did you mean 'd3rlpy_cql'?"
    assert message in str(end.value)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_scores_are_refused_and_explained(settings, written, name):
    change, message = BROKEN[name]
    written(change)
    path = paths.baseline_scores(settings, *KEY)
    with pytest.raises(BenchError, match=re.escape(message)) as error:
        schema.write_checked(settings, *KEY)
    assert str(error.value).startswith(str(path))
    assert not paths.baseline_checked(settings, *KEY).exists()
    assert_others_stand(settings, message)


def test_no_table_and_no_file_at_all(settings):
    path = paths.baseline_scores(settings, *KEY)
    assert_others_stand(settings, f"the rules of d3rlpy_cql did not write {path}")
    files.write_text(path, 'a,b\n1,2,3\n"')
    with pytest.raises(BenchError, match="not a CSV table"):
        schema.write_checked(settings, *KEY)
    assert_others_stand(settings, "not a CSV table")


def assert_others_stand(settings, reason: str) -> None:
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings, SINGLE))
    table = summarise(settings, scores, SINGLE, schema.lacking(settings, SINGLE))
    broken = table[table["algorithm"] == "d3rlpy_cql"]
    assert (broken["n"] == 0).all()
    assert (broken["failed"] == 3).all()
    assert broken["note"].str.startswith("seeds 0, 1, 2: ").all()
    assert broken["note"].str.contains(reason, regex=False).all()
    assert (table[table["algorithm"] == "cql"]["n"] == 3).all()


def test_a_baseline_stands_beside_ours_and_is_compared_by_seed(settings, written):
    written(better)
    schema.write_checked(settings, *KEY)
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings, SINGLE))
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


def test_scores_may_have_more_digits_than_ours(settings, written):
    """A program in another language writes 1/3 with all of its digits."""
    written()
    path = paths.baseline_scores(settings, *KEY)
    frame = schema.read_scores(path)
    frame.assign(score=1 / 3, normalized_score=1 / 3).to_csv(path, index=False)
    schema.write_checked(settings, *KEY)
    assert schema.lacking(settings, SINGLE).empty


def test_a_mistake_is_found_at_its_row_also_with_several_sharings(settings, written):
    def twice(frame):
        both = pd.concat([frame, frame.assign(sharing="sharing_all")], ignore_index=True)
        return put(both, len(frame) + 5, "episodes", 1)

    written(twice)
    rows = len(schema.read_csv(paths.baseline_scores(settings, *KEY))) // 2
    with pytest.raises(BenchError, match=rf"sharing 'sharing_all': .*at row {rows + 5}: got '?1"):
        schema.write_checked(settings, *KEY)


def test_a_baseline_that_fails_when_run_again_loses_its_scores(settings, written):
    written()
    schema.write_checked(settings, *KEY)
    checked = paths.baseline_checked(settings, *KEY)
    assert schema.checked_baselines(settings, SINGLE) == [checked]
    raw = paths.baseline_scores(settings, *KEY)
    os.utime(raw, (checked.stat().st_mtime + 10,) * 2)
    assert schema.checked_baselines(settings, SINGLE) == [checked], "times do not count"
    written(better)  # written again, not checked yet
    assert_others_stand(settings, "not checked")
    raw.unlink()  # as Snakemake does when its rule fails
    assert schema.checked_baselines(settings, SINGLE) == []
    assert_others_stand(settings, "the rules of d3rlpy_cql did not write")


def test_an_unknown_sharing_is_compared_with_the_reference(settings, written):
    written(lambda frame: frame.assign(sharing="everything"))
    schema.write_checked(settings, *KEY)
    scores = schema.merge(settings, SINGLE, schema.checked_baselines(settings, SINGLE))
    found = comparisons(settings, scores, SINGLE).query("algorithm == 'd3rlpy_cql'")
    assert set(found["reference"]) == {"cql x cds"}


def test_it_is_compared_with_an_algorithm_that_has_the_reference(tmp_path):
    """The first algorithm is trained without sharing only, and the reference is cds."""
    algorithms = {"bc": {"sharing": ["no_sharing"]}, "cql": {}}
    made = synthetic.config(tmp_path, suites={SINGLE: {}}, algorithms=algorithms)
    theirs = synthetic.run_scores(SINGLE, "d3rlpy_cql", "everything", range(3))
    found = dict(pairs(made, pd.concat([synthetic.scores(made), theirs]), SINGLE))
    assert found["d3rlpy_cql", "everything"] == ("cql", "cds")
    assert ("cql", "cds") not in found


def test_the_job_describes_our_own_runs(settings):
    job = json.loads(json.dumps(baselines.job(settings, *KEY)))
    assert job["options"] == {"option": 1}
    assert job["seeds"] == [0, 1, 2]
    assert job["suite"] == SINGLE
    assert job["datasets"] == {TASK: str(paths.dataset(settings, SINGLE, TASK))}
    assert job["training"]["steps"] == job["snapshot_steps"][-1] == settings.training.steps
    assert job["algorithms"]["cql"] == vars(config.options("algorithms", "cql", {}))
    assert job["tasks"][TASK]["starts"][1][0] == seed_of("evaluate", TASK, 1, 0) % 2**31
