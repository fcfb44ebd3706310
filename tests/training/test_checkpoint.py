"""Interrupted training must give the same bytes as uninterrupted training, or be refused."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
import types

import pandas as pd
import pytest
import torch

from cds_bench.algorithms import cql
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.training import checkpoint, data, loop
from cds_bench.training.run import run
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job

KEY = ("walker2d-mixed", "cql", "cds", "0-1")
FILES = ("policies.safetensors", "metrics.csv", "shift.csv")
KILLS = 10
OFTEN = 0.02  # seconds between checkpoints

# A clean process imports everything once and forks each run, so that a kill costs no new import.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["cds_bench.training.run", "cds_bench.algorithms.cql"])


@pytest.fixture(scope="module")
def profile(trained, tmp_path_factory):
    """A pool and a run of a few seconds, with a cloning phase and moving averages."""
    folder = tmp_path_factory.mktemp("resumed")
    values = trained.model_dump() | {
        "results": str(folder),
        "algorithms": {"cql": {"actions": 2, "cloning_steps": 60, "lagrange_gap": 1.0}},
        "training": trained.training.model_dump() | {"steps": 200, "log_points": 20},
    }
    config = type(trained).model_validate(values)
    shutil.copytree(trained.folder / "pools", config.folder / "pools")
    return config


@pytest.fixture(scope="module")
def uninterrupted(profile, tmp_path_factory):
    """The files of a run that nothing interrupts."""
    config = in_folder(profile, tmp_path_factory.mktemp("whole"))
    finish(begin(config, save_every=3600))
    return made(config)


@pytest.fixture
def config(profile, tmp_path):
    return in_folder(profile, tmp_path)


def in_folder(profile, folder):
    shutil.copytree(profile.results, folder, dirs_exist_ok=True)
    return profile.model_copy(update={"results": str(folder)})


def begin(config, save_every=OFTEN):
    process = SERVER.Process(target=run, args=(config, *KEY, save_every))
    process.start()
    return process


def finish(process, status=0):
    process.join(timeout=600)  # a busy machine
    assert process.exitcode == status


def saved(config):
    return sorted(paths.checkpoints(config, *KEY).glob("[0-9]*.pt"))


def wait_for_checkpoint(config, count=1):
    until = time.monotonic() + 60
    while len(saved(config)) < count:
        assert time.monotonic() < until, "no checkpoint was written"
        time.sleep(0.005)


def interrupted(config):
    """A run that was killed after its second checkpoint."""
    process = begin(config)
    wait_for_checkpoint(config, 2)
    process.kill()
    finish(process, -signal.SIGKILL)


def made(config):
    folder = paths.run(config, *KEY)
    return {name: (folder / name).read_bytes() for name in FILES}


def test_killed_at_ten_random_times(config, uninterrupted):
    """Every other kill comes a random time after the run has continued from a checkpoint."""
    waits = random.Random(0)
    for kill in range(KILLS):
        newest = max(saved(config), default=None)
        process = begin(config)
        while kill % 2 and max(saved(config), default=None) == newest:
            assert process.is_alive(), "the run ended before it was killed"
            time.sleep(0.002)
        time.sleep(waits.uniform(0.0, 0.1 if kill % 2 else 0.4))
        process.kill()
        finish(process, -signal.SIGKILL)
        assert len(saved(config)) <= checkpoint.KEPT + 1, "the oldest may not be deleted yet"
    finish(begin(config))
    assert made(config) == uninterrupted
    record = json.loads((paths.run(config, *KEY) / "run.json").read_text())
    assert KILLS / 2 <= record["interruptions"] <= KILLS
    assert record["peak_memory_mib"] > 50
    assert record["started"] <= record["ended"]
    assert record["code"]
    assert record["failures"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_saves_and_continues(config, uninterrupted, number):
    process = begin(config)
    wait_for_checkpoint(config, 2)
    before = saved(config)[-1]
    os.kill(process.pid, number)
    finish(process, 128 + number)
    assert saved(config)[-1] > before, "the state at the signal is saved"
    finish(begin(config, save_every=3600))
    assert made(config) == uninterrupted


def test_a_second_sigterm_changes_nothing(config, uninterrupted):
    """A batch system signals every process, and the workflow passes its own signal on."""
    process = begin(config)
    wait_for_checkpoint(config, 2)
    for _ in range(3):
        os.kill(process.pid, signal.SIGTERM)
    finish(process, 128 + signal.SIGTERM)
    finish(begin(config, save_every=3600))
    assert made(config) == uninterrupted


def test_a_signal_after_the_last_step_ends_it_at_once(config, uninterrupted, monkeypatch):
    """What follows training can take long; it starts from the state after the last step."""

    def measure(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the process should have ended")

    with monkeypatch.context() as patch:
        patch.setattr("cds_bench.training.divergence.measure", measure)
        with pytest.raises(SystemExit) as end:
            run(config, *KEY, save_every=3600)
    assert end.value.code == 128 + signal.SIGTERM
    assert [int(path.stem) for path in saved(config)] == [200]
    run(config, *KEY)
    assert made(config) == uninterrupted


def test_a_folder_in_the_place_of_the_progress_does_no_harm(config, uninterrupted):
    (paths.run(config, *KEY) / ".progress.json").mkdir(parents=True)
    run(config, *KEY)
    assert made(config) == uninterrupted
    assert not paths.checkpoints(config, *KEY).exists()


def test_a_signal_before_the_first_step_ends_it_at_once(config, monkeypatch):
    def device_pool(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the process should have ended")

    monkeypatch.setattr("cds_bench.training.run.device_pool", device_pool)
    with pytest.raises(SystemExit) as end:
        run(config, *KEY)
    assert end.value.code == 128 + signal.SIGTERM
    assert saved(config) == []


def test_a_complete_run_leaves_its_files_alone(config):
    interrupted(config)
    finish(begin(config))
    assert not paths.checkpoints(config, *KEY).exists()
    names = {path.name for path in paths.run(config, *KEY).iterdir()}
    assert names == {*FILES, "timing.csv", "shift.csv", "run.json", ".claim"}
    timing = pd.read_csv(paths.run(config, *KEY) / "timing.csv")
    assert list(timing.step) == list(range(10, 201, 10))
    assert timing.seconds.is_monotonic_increasing


def test_at_most_two_are_kept_and_a_damaged_one_is_ignored(config, uninterrupted, capsys):
    interrupted(config)
    newer = saved(config)[-1]
    newer.write_bytes(newer.read_bytes()[:1000])
    run(config, *KEY)
    assert f"{newer}: not readable" in capsys.readouterr().err
    assert made(config) == uninterrupted


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"training": {"batch_size": 64}}, "training"),
        ({"training": {"threads": 2}}, "threads"),
        ({"algorithms": {"cql": {"actions": 3}}}, "algorithm"),
        ({"sharing": {"cds": {"threshold": 50}}}, "sharing"),
        ({"protocol": {"curve_snapshots": 2}}, "snapshot_steps"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(config, changes, key):
    interrupted(config)
    values = config.model_dump()
    for section, update in changes.items():
        values[section] = values[section] | update
    other = type(config).model_validate(values)
    with pytest.raises(BenchError, match=rf"another {key}.*; delete .*checkpoints") as refusal:
        run(other, *KEY)
    assert str(paths.checkpoints(config, *KEY)) in str(refusal.value)
    assert len(saved(config)) >= 1, "nothing is lost"


def test_a_checkpoint_of_other_code_is_refused(config, monkeypatch):
    interrupted(config)
    monkeypatch.setattr("cds_bench.training.identity.fingerprint", lambda *modules: "another")
    with pytest.raises(BenchError, match="another code;"):
        run(config, *KEY)


def test_a_second_process_is_refused_at_once(config, uninterrupted):
    process = begin(config)
    wait_for_checkpoint(config)
    with pytest.raises(
        BenchError, match=rf"cql/cds/0-1 is being trained by process {process.pid} on"
    ):
        run(config, *KEY)
    finish(process)
    assert made(config) == uninterrupted


@pytest.mark.parametrize("failing", [[1], [0, 1]])
def test_a_seed_that_fails_does_not_affect_the_others(failing):
    """Its step, term and last finite values are kept. The other seed's bytes do not change."""
    pool = data.to_device(make_pool(), "cpu", 0.99)
    broken = torch.tensor([torch.nan if seed in failing else 1.0 for seed in (0, 1)])

    def losses(config, learner, batch, noise, step):
        terms = cql.losses(config, learner, batch, noise, step)
        if step < 6:  # steps count from 0, so the seventh step fails first
            return terms
        return cql.Terms(**vars(terms) | {"policy": terms.policy * broken})

    def train(algorithm):
        job = make_job(seeds=[0, 1], algorithm=algorithm)
        return loop.train(job, pool, log_points=3, snapshot_steps=[0, 6, 12])

    healthy, found = train(cql), train(types.SimpleNamespace(**vars(cql) | {"losses": losses}))
    assert [failure["seed"] for failure in found.state.recorder.failed] == failing
    failure = found.state.recorder.failed[-1]
    assert (failure["step"], failure["term"]) == (7, "policy")
    assert all(map(torch.isfinite, map(torch.tensor, failure["last_finite"].values())))
    assert failure["reason"].startswith("failed at step 7: the loss term 'policy' is not finite")
    assert found.metrics[found.metrics.seed.isin(failing)].step.max() == 4
    if failing == [1]:
        for name, values in healthy.policies.items():
            assert torch.equal(values[:, 0], found.policies[name][:, 0]), name
        kept = [frame[frame.seed == 0] for frame in (healthy.metrics, found.metrics)]
        pd.testing.assert_frame_equal(*(frame.reset_index(drop=True) for frame in kept))
    else:
        assert len(found.policies["w0"]) == 2, "training ends when every seed has failed"
