"""A study in pieces gives the bytes of an uninterrupted run, carried in small files."""

import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest

from benchmarks import carrying, gpu_study
from cds_bench.dataset.pool import Pool, save_pool
from cds_bench.errors import BenchError
from tests.projects import ROOT

SUITE, COUNTS = "walker2d-mixed", (60, 40, 20)
FILES = ("policies.safetensors", "metrics.csv", "shift.csv")
SHARING, STEPS = ("no_sharing", "cds"), 150
PIECE = 0.01  # minutes
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
    """`study(folder, minutes)` runs a piece in a folder with the pool; returns what it printed."""

    def piece(folder, minutes, *options):
        shutil.copytree(profile / "pool", folder, dirs_exist_ok=True)
        command = ["gpu_study", "--config", str(profile / "tiny.yaml"), "--folder", str(folder)]
        command += ["--minutes", str(minutes), "--device", "cpu", *options]
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
            patch.setattr(carrying, "LIMIT", SMALL)
            patch.setattr(sys, "argv", command)
            gpu_study.main()
        return printed.getvalue()

    return piece


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory):
    """A folder with both strategies, trained without interruptions."""
    folder = tmp_path_factory.mktemp("whole")
    assert study(folder, 60).endswith("Every strategy is trained.\n")
    return folder


def made(folder):
    runs = folder / "tiny" / "runs" / SUITE / "cql"
    places = [runs / sharing / "seeds0-1" / name for sharing in SHARING for name in FILES]
    return [place.read_bytes() for place in places]


def test_carried_pieces_give_the_bytes_of_an_uninterrupted_run(study, whole, tmp_path):
    """Every piece is trained in a new folder, with nothing but the pool and the carried files."""
    printed = ""
    for number in range(200):
        folder = tmp_path / f"piece-{number}"
        if number:
            shutil.copytree(tmp_path / f"piece-{number - 1}" / "carried", folder / "carried")
        printed += study(folder, PIECE)
        if "Every strategy is trained." in printed:
            break
    steps = [int(count) for count in re.findall(r"made (\d+) steps", printed) if int(count)]
    assert sum(steps) == len(SHARING) * STEPS, printed
    assert len(steps) > len(SHARING), "no strategy was interrupted"
    files = [path for path in (folder / "carried").rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) <= SMALL
    assert len(files) > 10
    study(folder, 0)
    assert made(folder) == made(whole)


def test_a_damaged_or_missing_part_is_named(study, whole, tmp_path):
    shutil.copytree(whole / "carried", tmp_path / "carried")
    part = next((tmp_path / "carried" / "cds").glob("policies.safetensors.01-*"))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(BenchError, match=rf"{part}: its content is not what was saved"):
        study(tmp_path, 0)
    part.unlink()
    with pytest.raises(BenchError, match=rf"{part}: not readable"):
        study(tmp_path, 0)
    for file in part.parent.glob("*.0*"):
        file.unlink()
    assert "cds: finished" in study(tmp_path, 0), "its manifest says so"


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [("--suite", "door-drawer", "--suite: 'door-drawer' is not in"), ("--algorithm", "bc", "bc")],
)
def test_an_unknown_suite_or_algorithm_is_refused(study, tmp_path, option, name, message):
    with pytest.raises(BenchError, match=message):
        study(tmp_path, 0, option, name)


def test_it_loads_no_simulator():
    code = "import sys, benchmarks.gpu_study; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages = {name.partition(".")[0] for name in found.split()}
    assert not packages & {"gymnasium", "mujoco", "stable_baselines3", "snakemake", "matplotlib"}
