"""Scores that do not fit the configuration never reach a table."""

import re

import pytest

from cds_bench.errors import BenchError
from cds_bench.statistics import metrics, schema, shift
from cds_bench.storage import files, paths, seals
from tests.report import synthetic

SUITE = synthetic.SUITE
KEY = (SUITE, "cql", "cds", "0-2")
MAZE = "pointmaze-medium-single"


@pytest.fixture
def config(tmp_path):
    config = synthetic.config(tmp_path, sharing={"cds": {}})
    synthetic.write(config)
    return config


def changed(frame, **values):
    """A copy of the frame with other values in its last row."""
    for column, value in values.items():
        frame[column] = frame[column].astype(object)
        frame.loc[frame.index[-1], column] = value
    return frame


WRONG = {
    "the final snapshot is missing": (
        lambda f: f[f["step"] < 100_000],
        "9 rows of walker2d-mixed are missing (first: task jump, seed 0, step 100000, metric ret",
    ),
    "a task is missing": (
        lambda f: f[f["task"] != "jump"],
        "42 rows of walker2d-mixed are missing",
    ),
    "a seed is missing": (lambda f: f[f["seed"] != 1], "42 rows of walker2d-mixed are missing"),
    "a step that is none": (lambda f: changed(f, step=1e30), "not an integer of at least 0"),
    "another step": (lambda f: changed(f, step=99_999), "1 rows of walker2d-mixed are missing"),
    "a row more": (
        lambda f: synthetic.pd.concat([f, changed(f[-1:].copy(), step=99_999)]),
        "1 rows of walker2d-mixed are not expected (first: task jump, seed 2, step 99999",
    ),
    "other episodes": (lambda f: changed(f, episodes=3), "column 'episodes': 1 values are not the"),
    "a return out of range": (lambda f: changed(f, score=1e12), "are not a return below 1e+09"),
    "a normalised score of another score": (
        lambda f: changed(f, normalized_score=0.9),
        "column 'normalized_score': 1 values are not what the references of jump give",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_scores_of_a_run(config, name):
    change, message = WRONG[name]
    path = paths.run_scores(config, *KEY)
    files.write_csv(path, change(schema.read_csv(path)))
    synthetic.seal(config, KEY)
    with pytest.raises(BenchError, match=re.escape(message.split(" are not an")[0])) as error:
        schema.merge(config, SUITE)
    assert str(error.value).startswith(f"{path}: ")


def test_a_success_rate_of_ten(tmp_path):
    config = synthetic.config(tmp_path, suites={MAZE: {}}, sharing={"cds": {}})
    synthetic.write(config)
    key = (MAZE, *KEY[1:])
    path = paths.run_scores(config, *key)
    files.write_csv(path, changed(schema.read_csv(path), score=10, normalized_score=10))
    synthetic.seal(config, key)
    with pytest.raises(BenchError, match=r"'score': 1 values are not a rate from 0 to 1.*'10"):
        schema.merge(config, MAZE)


def test_scores_and_values_that_changed_after_they_were_written(config):
    for read, path in (
        (schema.merge, paths.run_scores(config, *KEY)),
        (shift.merge, paths.run_values(config, *KEY)),
        (shift.merge, paths.run(config, *KEY) / "shift.csv"),
    ):
        whole = path.read_text()
        path.write_text(whole.replace("0", "1", 1))
        with pytest.raises(BenchError, match="the file changed after it was written") as error:
            read(config, SUITE)
        assert str(error.value).startswith(f"{path}: SHA-256 is ")
        path.write_text(whole)


def test_metrics_are_typed(config):
    folder = paths.run(config, *KEY)
    whole = schema.read_csv(folder / "metrics.csv")
    for values, message in (
        ({"seed": 7}, "column 'seed': 1 values are not one of 0, 1, 2"),
        ({"target": "jmp"}, "column 'target': 1 values are not one of run-forward"),
        ({"value": "high"}, "column 'value': 1 values are not a number"),
        ({"step": 0.5}, "column 'step': 1 values are not an integer"),
    ):
        files.write_csv(folder / "metrics.csv", changed(whole.copy(), **values))
        synthetic.seal(config, KEY)
        with pytest.raises(BenchError, match=message):
            metrics.read_metrics(config, SUITE, "cql", "cds", ["weight"])


def test_shift_needs_each_seed_and_task_once(config):
    path = paths.run(config, *KEY) / "shift.csv"
    files.write_csv(path, schema.read_csv(path)[:-1])
    synthetic.seal(config, KEY)
    with pytest.raises(BenchError, match="8 rows, expected one for each of the seeds 0, 1, 2"):
        shift.merge(config, SUITE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "run.json: fingerprint: Field required; delete it"),
        ([1], "run.json: the file: Input should be a valid dictionary"),
        ({"failures": None}, "run.json: fingerprint"),
        ({"fingerprint": {}, "seeds": ["a"]}, r"run.json: seeds.0: .*\(got 'a'\)"),
    ],
)
def test_a_record_of_another_structure(config, value, message):
    folder = paths.run(config, *KEY)
    files.write_json(folder / "run.json", value)
    with pytest.raises(BenchError, match=message):
        seals.read_run(folder)
    assert schema.merge(config, SUITE).empty
    gap = schema.lacking(config, SUITE)
    assert (gap["state"] == "failed").all()
    assert len(gap) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"random": {"mean": "low"}}, "key 'random.mean' is 'low', not a number"),
        ({"random": [1]}, "key 'random.mean' is None, not a number"),
        ({"expert": {"mean": True}}, "key 'expert.mean' is True, not a number"),
        ({"expert": {"mean": -21}}, "the expert's mean score -21 is not above"),
    ],
)
def test_references_are_typed(config, change, message):
    path = paths.references(config, "jump")
    files.write_json(path, files.read_json(path) | change)
    with pytest.raises(BenchError, match=message):
        schema.merge(config, SUITE)
