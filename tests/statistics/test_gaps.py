"""The missing scores and their reasons, read from the stages' files."""

import os

import pytest

from cds_bench import jobs
from cds_bench.statistics import schema
from cds_bench.statistics.gaps import gaps
from cds_bench.statistics.summary import summarise
from cds_bench.storage import files, paths
from cds_bench.storage.locks import claim
from tests.report import synthetic

KEY = (synthetic.SUITE, "cql", "hipi", "0-2")


@pytest.fixture
def config(tmp_path):
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    return config


def unfinish(config):
    (paths.run(config, *KEY) / "run.json").unlink()


def logged(config, stage, text):
    log = jobs.log(config, stage, *KEY)
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "w") as file:
        file.write(text)


def found(config):
    """The state, step and reason of the run's three seeds. No other run may lack scores."""
    frame = gaps(config, synthetic.SUITE)
    assert frame["seed"].tolist() == [0, 1, 2]
    assert (frame[["suite", "algorithm", "sharing"]] == list(KEY[:3])).all(axis=None)
    (gap,) = set(frame[["state", "step", "reason"]].itertuples(index=False, name=None))
    return gap


def test_nothing_is_lacking(config):
    assert gaps(config, synthetic.SUITE).empty


def test_a_run_that_has_not_started(config):
    unfinish(config)
    assert found(config) == ("missing", 0, "not trained")


def test_a_run_that_was_stopped(config):
    unfinish(config)
    progress = {"step": 70, "steps": 100, "steps_per_second": 1.0}
    files.write_json(paths.run(config, *KEY) / ".progress.json", progress)
    assert found(config) == ("missing", 70, "training stopped at step 70 of 100")


def test_a_run_that_goes_on(config):
    unfinish(config)
    progress = {"step": 70, "steps": 100, "steps_per_second": 1.0}
    files.write_json(paths.run(config, *KEY) / ".progress.json", progress)
    with claim(paths.run(config, *KEY), "run"):
        assert found(config) == ("running", 70, "in training, step 70 of 100")
    table = summarise(
        config,
        schema.merge(config, synthetic.SUITE),
        synthetic.SUITE,
        gaps(config, synthetic.SUITE),
    )
    assert table.query("sharing == 'hipi' and task == 'jump'")["n"].item() == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("train: 1/20\nerror: pool x: no such file\n", "error: pool x: no such file"),
        ("Traceback (most recent call last):\n  File\nValueError: no\n\n", "ValueError: no"),
        ("torch.OutOfMemoryError: too much", "torch.OutOfMemoryError: too much"),
    ],
)
def test_a_job_that_ended_with_an_error(config, text, error):
    unfinish(config)
    logged(config, "train", text)
    assert found(config) == ("failed", 0, f"training: {error}")


def test_a_log_without_an_error_is_none(config):
    unfinish(config)
    logged(config, "train", "train: 1/20\n")
    assert found(config) == ("missing", 0, "not trained")


def test_an_evaluation_that_failed_or_was_not_made(config):
    paths.run_scores(config, *KEY).unlink()
    assert found(config) == ("missing", config.training.steps, "not evaluated")
    logged(config, "evaluate", "error: no display")
    assert found(config) == ("failed", config.training.steps, "evaluation: error: no display")


def test_scores_of_an_earlier_training_do_not_count(config):
    """A run is trained again but not evaluated again, so its old scores still exist."""
    before = schema.merge(config, synthetic.SUITE)
    finished = paths.run(config, *KEY) / "run.json"
    for path in (paths.run_scores(config, *KEY), finished):
        os.utime(path, (1, 1))  # modification times do not matter
    assert gaps(config, synthetic.SUITE).empty
    record = files.read_json(finished)
    record["sha256"]["policies.safetensors"] = "cd" * 32
    files.write_json(finished, record)
    assert found(config) == ("missing", config.training.steps, "not evaluated")
    after = schema.merge(config, synthetic.SUITE)
    assert set(before["sharing"]) - set(after["sharing"]) == {"hipi"}


def test_an_unreadable_run_is_said_to_be(config):
    (paths.run(config, *KEY) / "run.json").write_text("{")
    state, _, reason = found(config)
    assert state == "failed"
    assert reason == "run.json: not valid JSON"
