"""Training jobs take turns on GPUs: real processes with real locks; the GPUs are only names."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from cds_bench.errors import BenchError
from cds_bench.storage import locks
from cds_bench.training import gpus
from tests.projects import ROOT

# Says which GPU it trains on, and trains until it is told to end.
JOB = """
import sys
from pathlib import Path
from cds_bench.training import gpus

folder, *uuids = sys.argv[1:]
gpus.FOLDER, gpus.SECONDS_BETWEEN_LOOKS = Path(folder), 0.05
gpus.resolve_device = lambda device: "cuda"
gpus.visible = lambda: uuids
gpus.use = lambda number: print(f"uses {uuids[number]}", flush=True)
with gpus.alone("auto"):
    sys.stdin.readline()
"""


@pytest.fixture
def start(tmp_path):
    """`start(*uuids)` starts a job that sees these GPUs."""
    started: list[subprocess.Popen] = []

    def job(*uuids: str) -> subprocess.Popen:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-c", JOB, str(tmp_path), *uuids]
        started.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        return started[-1]

    yield job
    for each in started:
        each.kill()
        each.communicate()


def test_each_job_takes_a_gpu_of_its_own(start):
    jobs = [start("one", "two") for _ in range(2)]
    assert {job.stdout.readline() for job in jobs} == {"uses one\n", "uses two\n"}


@pytest.mark.parametrize("end", ["complete", "killed"])
def test_a_job_without_a_free_gpu_waits_and_says_so_once(start, end):
    first = start("one")
    assert first.stdout.readline() == "uses one\n"
    second = start("one")
    line = second.stderr.readline()
    assert line.startswith("waiting for a GPU: the only GPU here is in use by other training jobs")
    assert f"({first.pid} on " in line
    assert "snakemake --resources gpu=1" in line
    time.sleep(0.3)
    assert second.poll() is None
    first.kill() if end == "killed" else first.stdin.write("\n") and first.stdin.flush()
    assert second.stdout.readline() == "uses one\n"
    _, rest = second.communicate("\n")
    assert (second.returncode, rest) == (0, "")


def test_a_waiting_job_ends_when_it_is_told_to(start):
    assert start("one").stdout.readline() == "uses one\n"
    waiting = start("one")
    waiting.stderr.readline()
    waiting.send_signal(signal.SIGTERM)
    waiting.wait(20)


def test_several_gpus_are_named_with_their_jobs(start):
    for _ in range(2):
        assert start("one", "two").stdout.readline().startswith("uses ")
    third = start("one", "two")
    assert "all 2 GPUs here are in use" in third.stderr.readline()
    other = start("one", "two", "three")
    assert other.stdout.readline() == "uses three\n", "the others do not stop it"
    assert third.poll() is None


def test_training_on_a_cpu_takes_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "FOLDER", tmp_path)
    monkeypatch.setattr(gpus, "visible", lambda: pytest.fail("no GPU is asked for"))
    with gpus.alone("cpu"):
        assert not list(tmp_path.iterdir())


@pytest.fixture
def one_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "FOLDER", tmp_path)
    monkeypatch.setattr(gpus, "_held", [])
    monkeypatch.setattr(gpus, "resolve_device", lambda device: "cuda")
    monkeypatch.setattr(gpus, "visible", lambda: ["one"])
    monkeypatch.setattr(gpus, "use", lambda number: None)
    yield
    for file in gpus._held:
        file.close()


def test_one_process_trains_again_on_its_gpu(one_gpu):
    for _ in range(2):
        with gpus.alone("cuda"):
            pass
    assert len(gpus._held) == 1


def test_too_little_memory_is_a_plain_error(one_gpu):
    with (
        pytest.raises(BenchError, match=r"memory of the GPU does not suffice \(tried.*seeds_per"),
        gpus.alone("cuda"),
    ):
        raise torch.OutOfMemoryError("tried to allocate 2 GiB")


def test_every_user_may_lock_the_same_file(tmp_path):
    before = os.umask(0o077)
    try:
        file = locks.attempt(path := tmp_path / "lock")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666
    assert locks.attempt(path) is None
    assert locks.holder(path).startswith(f"{os.getpid()} on ")
    file.close()
    again = locks.attempt(path)
    assert again is not None
    again.close()


def test_a_link_is_no_lock(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match="lock: cannot be locked"):
        locks.attempt(tmp_path / "lock")


def test_a_job_of_the_workflow_goes_through_the_lock(monkeypatch):
    """`cds-bench train` is what the workflow calls."""
    from cds_bench.cli import stages

    seen = []
    monkeypatch.setattr(gpus, "alone", lambda device: seen.append(device) or 1 / 0)
    values = (
        '{"suites": {"walker2d-mixed": {}}, "algorithms": {"cql": {}}, "sharing": {"cds": {}},'
        ' "training": {"device": "cuda"}}'
    )
    with pytest.raises(ZeroDivisionError):
        stages.train("walker2d-mixed", "cql", "cds", "0-2", values)
    assert seen == ["cuda"]
