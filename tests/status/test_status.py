"""The status of a results folder: every state, on made-up folders, without side effects."""

import json
import subprocess
import sys
import time

import pytest

from cds_bench import jobs
from cds_bench.config import parse
from cds_bench.status import command
from cds_bench.status.layout import clock
from cds_bench.status.runs import claimed, look, look_at
from cds_bench.storage import paths, seals

SUITE, KEY = "door-drawer", ("door-drawer", "cql", "cds", "0-1")
PROGRESS = {"step": 30, "steps": 90, "steps_per_second": 2.0, "seconds": 15.0, "pid": 1,
            "host": "here"}  # fmt: skip
HOLDER = (
    "import sys, time; from pathlib import Path; from cds_bench.storage.locks import hold; "
    "hold(Path(sys.argv[1]), 'used'); print('held', flush=True); time.sleep(60)"
)


@pytest.fixture
def config(tmp_path):
    values = {
        "results": str(tmp_path), "profile": "test", "suites": {SUITE: {}},
        "algorithms": {"cql": {}}, "sharing": {"cds": {}, "hipi": {}}, "seeds": 4,
        "seeds_per_job": 2, "domains": {"manipulation": {"training": {"steps": 90}}},
    }  # fmt: skip
    return parse(values, "test")


@pytest.fixture
def folder(config):
    made = paths.run(config, *KEY)
    made.mkdir(parents=True)
    return made


@pytest.fixture
def holder():
    """`holder(folder)`: another process claims the folder, until the test ends."""
    processes = []

    def hold(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "held\n"

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def write(path, **values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def tree(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_no_folder_at_all(config, tmp_path):
    found = look(config)
    assert [run.seeds for run in found] == ["0-1", "2-3"] * 2
    assert {run.state for run in found} == {"missing"}
    text = command.text(config)
    assert "datasets 0 of 4, pools 0 of 1, evaluated 0 of 4 jobs" in text
    assert "jobs: 0 done, 0 running, 0 stopped, 0 failed, 4 missing" in text
    assert not any(tmp_path.iterdir())


def test_done_and_evaluated(config, folder):
    hashes = {"policies.safetensors": "a1"}
    write(folder / "run.json", seeds=[0, 1], steps_per_second=12.34, sha256=hashes)
    write(paths.run_evaluation(config, *KEY), policies="b2")
    scores = paths.run_scores(config, *KEY)
    scores.parent.mkdir(parents=True, exist_ok=True)
    scores.touch()
    assert not look_at(config, *KEY).evaluated, "the scores are of earlier policies"
    write(paths.run_evaluation(config, *KEY), policies="a1")
    run = look_at(config, *KEY)
    assert (run.state, run.step, run.steps, run.rate) == ("done", 90, 90, 12.34)
    assert run.evaluated
    line = next(line for line in command.text(config).splitlines() if "cql x cds" in line)
    assert line.split() == ["cql", "x", "cds", "0-1", "done", "90/90", "12.3", "-", "yes"]


def test_failed_seeds_are_named(config, folder):
    failures = [{"seed": 1, "step": 7, "term": "conservative", "reason": "..."}]
    write(folder / "run.json", failures=failures)
    run = look_at(config, *KEY)
    assert (run.state, run.note) == ("failed", "seed 1 at step 7: conservative")
    assert "1 failed, 3 missing" in command.text(config)
    assert "seed 1 at step 7: conservative" in command.text(config)


def test_a_stopped_run_can_continue(config, folder):
    """It has a progress file, and a claim whose process has ended."""
    write(folder / ".progress.json", **PROGRESS, updated=time.time() - 3600)
    (folder / ".claim").write_text("1 on here")
    run = look_at(config, *KEY)
    assert (run.state, run.step, run.rate, run.eta, run.note) == ("stopped", 30, 2.0, None, "")
    assert "30/90" in command.text(config)


def test_a_running_run_is_claimed_by_another_process(config, folder, holder):
    write(folder / ".progress.json", **PROGRESS, updated=time.time())
    holder(folder)
    before = tree(config.folder)
    run = look_at(config, *KEY)
    assert (run.state, run.eta, run.note) == ("running", 30.0, "")
    text = command.text(config)
    assert "1 running" in text
    assert "running jobs finish in 0:00:30" in text
    assert "no workflow is running on it" in text
    assert tree(config.folder) == before


def test_running_before_its_first_news(config, folder, holder):
    holder(folder)
    run = look_at(config, *KEY)
    assert (run.state, run.step, run.steps, run.eta) == ("running", None, 90, None)


def test_a_silent_run_is_shown(config, folder, holder):
    write(folder / ".progress.json", **PROGRESS, updated=time.time() - 3600)
    holder(folder)
    assert look_at(config, *KEY).note.startswith("silent for 1:00:0")


def test_a_look_leaves_the_claim_free(config, folder, holder):
    (folder / ".claim").touch()
    assert not claimed(folder)
    holder(folder)
    assert claimed(folder)


def test_a_workflow_is_seen(config, holder):
    holder(config.folder)
    assert f"{config.folder}: a workflow is running on it" in command.text(config)


@pytest.mark.parametrize(
    ("name", "text", "state", "note"),
    [
        ("run.json", '{"seeds": [0', "unreadable", "run.json: not valid JSON"),
        ("run.json", "[1, 2]", "unreadable", "run.json: not a JSON object"),
        ("run.json", '{"failures": 3}', "unreadable", "run.json: 'failures' is not a list"),
        ("run.json", '{"failures": [3, {}]}', "failed", "a seed; seed ? at step ?: ?"),
        (".progress.json", "", "stopped", ".progress.json: not valid JSON"),
        (".progress.json", '{"step": "x", "steps_per_second": NaN}', "stopped", ""),
    ],
)
def test_damaged_files_are_reported(config, folder, name, text, state, note):
    (folder / name).write_text(text)
    run = look_at(config, *KEY)
    assert (run.state, run.note) == (state, note)
    assert f"1 {state}" in command.text(config)
    assert note in command.text(config)


def test_bytes_and_folders_instead_of_files(config, folder):
    (folder / "run.json").write_bytes(b"\xff\xfe\x00")
    assert look_at(config, *KEY).note == "run.json: not valid JSON"
    (folder / "run.json").unlink()
    (folder / "run.json").mkdir()
    assert look_at(config, *KEY).note == "run.json: not readable (Is a directory)"


def test_a_rate_of_zero_gives_no_eta(config, folder, holder):
    write(folder / ".progress.json", **PROGRESS | {"steps_per_second": 0.0})
    holder(folder)
    assert look_at(config, *KEY).eta is None


def test_data_are_counted(config):
    for path in (paths.dataset(config, SUITE, "door-open"), paths.pool(config, SUITE)):
        path.parent.mkdir(parents=True)
        path.touch()
    assert "datasets 1 of 4, pools 1 of 1" in command.text(config)


def test_watching_without_a_terminal_shows_it_once(config, capsys):
    command.watch(config)
    assert capsys.readouterr().out == command.text(config) + "\n"


def test_watching_ends_when_all_is_done(config, capsys, monkeypatch):
    """On a terminal, the runs complete while it sleeps."""
    looks = []

    def complete(seconds):
        looks.append(seconds)
        for key in jobs.runs(config):
            write(paths.run(config, *key) / "run.json", sha256={seals.POLICIES: "ab"})
            write(paths.run_scores(config, *key))
            write(paths.run_evaluation(config, *key), policies="ab")

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(time, "sleep", complete)
    command.watch(config)
    assert looks == [command.SECONDS_BETWEEN_LOOKS]
    assert "4 done, 0 running" in capsys.readouterr().out.split(command.CLEAR)[-1]


def test_watching_ends_quietly_when_interrupted(config, capsys, monkeypatch):
    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(time, "sleep", stop)
    command.watch(config)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.6, "0:01:00"), (3_725, "1:02:05"), (4e5, "111:06:40")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_it_starts_without_torch_and_pandas():
    heavy = "{'torch', 'pandas', 'mujoco'}"
    code = f"import sys, cds_bench.status.command; print(*{heavy} & {{*sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == []
