"""A study in pieces gives the bytes of an uninterrupted run, carried in small files."""

import io
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from benchmarks import carrying, gpu_study
from cds_bench.dataset.pool import Pool, save_pool
from cds_bench.errors import BenchError
from cds_bench.storage import seals
from cds_bench.training import loop
from cds_bench.training.run import run
from tests.projects import ROOT

SUITE, COUNTS = "walker2d-mixed", (60, 40, 20)
SHARING, STEPS = ("no_sharing", "cds"), 150
FILES = ("policies.safetensors", "metrics.csv", "shift.csv")
PLACES = [Path(sharing, "seeds0-1", name) for sharing in SHARING for name in FILES]
PIECE = 60  # steps
SMALL = 40_000  # bytes of a carried file


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A tiny profile that trains for about a second, and a folder with its pool."""
    folder = tmp_path_factory.mktemp("study")
    values = {
        "profile": "tiny", "suites": {SUITE: {}}, "algorithms": {"cql": {"actions": 2}},
        "sharing": {name: {} for name in SHARING}, "seeds": 2, "seeds_per_job": 1,
        "training": {"steps": STEPS, "batch_size": 32, "hidden": [32, 32], "log_points": 10,
                     "shift_steps": 5},
        "protocol": {"curve_snapshots": 10, "final_snapshots": 2},
    }  # fmt: skip
    (folder / "tiny.yaml").write_text(json.dumps(values))
    rng, rows = np.random.default_rng(0), sum(COUNTS)
    source = np.repeat(np.arange(3), COUNTS)
    save_pool(
        folder / "pool" / "tiny" / "pools" / f"{SUITE}.hdf5",
        Pool(
            suite=SUITE,
            domain="locomotion",
            tasks=("run-forward", "run-backward", "jump"),
            observations=rng.normal(size=(rows, 17)).astype(np.float32),
            actions=rng.uniform(-1, 1, (rows, 6)).astype(np.float32),
            next_observations=rng.normal(size=(rows, 17)).astype(np.float32),
            rewards=rng.normal(size=(rows, 3)).astype(np.float32),
            terminals=np.zeros((rows, 3), np.float32),
            source=source,
            ends=np.append(np.diff(source) > 0, True),
            observation_mean=np.zeros((3, 17), np.float32),
            observation_scale=np.ones((3, 17), np.float32),
        ),
    )
    return folder


@pytest.fixture(scope="module")
def study(profile):
    """`study(folder, *options)` runs a piece in a folder with the pool; returns what it printed.

    `steps`: the number of steps after which the piece is told to stop.
    """

    def piece(folder, *options, steps=None):
        shutil.copytree(profile / "pool", folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
            patch.setattr(carrying, "LIMIT", SMALL)
            patch.setattr(loop, "train_step", stopping_after(steps, loop.train_step))
            patch.setattr(sys, "argv", command(profile, folder, *options))
            gpu_study.main()
        return printed.getvalue()

    return piece


def stopping_after(steps, train_step):
    counted = itertools.count(1)

    def step(*arguments):
        if next(counted) == steps:
            signal.raise_signal(signal.SIGTERM)
        return train_step(*arguments)

    return step


def command(profile, folder, *options):
    places = ["--config", str(profile / "tiny.yaml"), "--folder", str(folder)]
    return ["gpu_study", *places, "--device", "cpu", *options]


@pytest.fixture(scope="module")
def pieces(study, tmp_path_factory):
    """A folder in which everything was collected that many pieces carried, and what they printed.

    Every piece is trained in a new folder with the pool, the manifests and the state alone.
    """
    home, printed = tmp_path_factory.mktemp("home"), ""
    while "Every strategy is trained." not in printed:
        folder = tmp_path_factory.mktemp("piece")
        if printed:
            unneeded = shutil.ignore_patterns("snapshots-*", "run.*")
            shutil.copytree(home / "carried", folder / "carried", ignore=unneeded)
        printed += study(folder, steps=PIECE)
        shutil.copytree(folder / "carried", home / "carried", dirs_exist_ok=True)
    return home, printed


def made(folder):
    runs = folder / "tiny" / "runs" / SUITE / "cql"
    return {name: (runs / name).read_bytes() for name in PLACES}


def test_carried_pieces_give_the_bytes_of_an_uninterrupted_run(pieces, study, profile, tmp_path):
    home, printed = pieces
    steps = [int(count) for count in re.findall(r"made (\d+) steps", printed)]
    assert steps == [60, 60, 30, 30, 60, 60, 0], printed  # the last piece only finishes
    files = [path for path in (home / "carried").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) <= SMALL
    assert "Every strategy is trained." in study(home, "--minutes", "0")
    assert not list(home.rglob("state.*")), "states of finished runs are still there"

    shutil.copytree(profile / "pool", tmp_path, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command(profile, tmp_path))
        config = gpu_study.settings(gpu_study.arguments())
    for sharing in SHARING:
        run(config, SUITE, "cql", sharing, "0-1")
    assert made(home) == made(tmp_path)
    for path in PLACES:
        folder = (home / "tiny" / "runs" / SUITE / "cql" / path).parent
        record = seals.read_run(folder)
        seals.check(folder / path.name, path.name, record.sha256, folder / "run.json")


def test_a_damaged_or_missing_part_is_named(pieces, study, tmp_path):
    shutil.copytree(pieces[0] / "carried", tmp_path / "carried")
    part = next((tmp_path / "carried" / "cds").glob("run.00-*"))
    content = part.read_bytes()
    part.unlink()
    assert f"cds: finished (1 of its files are not here, such as {part.name})\n" in study(tmp_path)
    part.write_bytes(content[:-1] + b"x")
    with pytest.raises(BenchError, match=rf"{part}: its content is not what was saved"):
        study(tmp_path)


def test_it_ends_when_the_minutes_are_spent(study, tmp_path):
    assert "The minutes are spent" in study(tmp_path, "--minutes", "0.001")


def test_other_training_is_refused(pieces, study, tmp_path):
    shutil.copytree(pieces[0] / "carried", tmp_path / "carried")
    with pytest.raises(BenchError, match="holds training with another tf32; move it away"):
        study(tmp_path, "--tf32")
    with pytest.raises(BenchError, match="holds training with another seeds"):
        study(tmp_path, "--seeds", "3")


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [("--suite", "door-drawer", "--suite: 'door-drawer' is not in"), ("--algorithm", "bc", "bc")],
)
def test_an_unknown_suite_or_algorithm_is_refused(study, tmp_path, option, name, message):
    with pytest.raises(BenchError, match=message):
        study(tmp_path, option, name)


def test_it_loads_no_simulator():
    code = "import sys, benchmarks.gpu_study; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages = {name.partition(".")[0] for name in found.split()}
    assert not packages & {"gymnasium", "mujoco", "stable_baselines3", "snakemake", "matplotlib"}
