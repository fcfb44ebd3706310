"""Missing and damaged files, and a full disk, give a plain message and write nothing."""

import itertools
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from cds_bench.dataset.pool import load_pool, save_pool
from cds_bench.storage import paths
from tests.cli.trees import tree

ROOT = Path(__file__).parents[2]
MIXED = "walker2d-mixed"
DEFAULT = ROOT / "workflow/config/default.yaml"
JOB = ("--suite", MIXED, "--algorithm", "cql", "--sharing", "cds", "--seeds", "0-1")
COMMANDS = (
    "config", "behaviour", "references", "dataset", "pool", "train", "evaluate",
    "evaluate-policies", "check-baseline", "statistics",
    "make", "tables", "render", "plan", "report", "status", "pack", "unpack",
)  # fmt: skip


def job(**changes: str) -> list[str]:
    options = dict(zip(JOB[::2], JOB[1::2], strict=True))
    options |= {f"--{key}": value for key, value in changes.items()}
    return list(itertools.chain.from_iterable(options.items()))


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_a_missing_pool(copy, refused, name):
    paths.pool(copy, MIXED).unlink()
    message = refused(copy, name, *JOB)
    assert message.startswith(f"{paths.pool(copy, MIXED)}: no such file; run the stage")


def test_a_missing_dataset(copy, refused):
    paths.dataset(copy, MIXED, "jump").unlink()
    message = refused(copy, "pool", "--suite", MIXED)
    assert message.startswith(f"{paths.dataset(copy, MIXED, 'jump')}: no such file")


def test_a_missing_run(copy, refused):
    shutil.rmtree(paths.run(copy, MIXED, "cql", "cds", "0-1"))
    assert "policies.safetensors: not readable" in refused(copy, "evaluate", *JOB)


@pytest.mark.parametrize("stage", ["pool", "train"])
def test_a_truncated_file(copy, refused, stage):
    path = paths.dataset(copy, MIXED, "jump") if stage == "pool" else paths.pool(copy, MIXED)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = refused(copy, stage, *(JOB if stage == "train" else ("--suite", MIXED)))
    assert message.startswith(f"{path}: not a readable HDF5 file")
    assert "delete the file to have it" in message


@pytest.mark.parametrize(
    ("stage", "key", "value", "message"),
    [
        ("pool", "rewards", np.nan, "2 rewards are NaN (first at row 7); delete the file"),
        ("pool", "actions", 1.5, "2 actions are outside [-1, 1] (first at row 7); delete the file"),
        ("train", "rewards", np.nan, "2 rewards are NaN (first at row 7); delete the file"),
        ("train", "actions", -2, "2 actions are outside [-1, 1] (first at row 7); delete the file"),
    ],
)
def test_damaged_numbers(copy, refused, stage, key, value, message):
    path = paths.dataset(copy, MIXED, "jump") if stage == "pool" else paths.pool(copy, MIXED)
    with h5py.File(path, "r+") as file:
        file[key][7:9] = value
    found = refused(copy, stage, *(JOB if stage == "train" else ("--suite", MIXED)))
    assert found.startswith(f"{path}: {message}")


def test_a_run_of_another_configuration_is_kept(copy, refused):
    training = copy.training.model_copy(update={"batch_size": 64})
    other = copy.model_copy(update={"training": training})
    message = refused(other, "train", *JOB)
    folder = paths.run(copy, MIXED, "cql", "cds", "0-1")
    assert message.startswith(f"{folder}: holds a run with another training; delete the folder")


def test_a_pool_other_than_the_runs(copy, refused):
    pool = load_pool(paths.pool(copy, MIXED))
    save_pool(paths.pool(copy, MIXED), type(pool)(**vars(pool) | {"rewards": pool.rewards + 1}))
    folder = paths.run(copy, MIXED, "cql", "cds", "0-1")
    assert refused(copy, "train", *JOB).startswith(f"{folder}: holds a run with another pool")
    message = refused(copy, "evaluate", *JOB)
    assert message.startswith(f"{folder / 'policies.safetensors'}: was trained on another pool")


def test_too_few_steps_for_the_final_snapshots(copy, refused):
    short = copy.model_copy(update={"training": copy.training.model_copy(update={"steps": 4})})
    assert refused(short, "train", *JOB).startswith(
        "training.steps: 4 steps are too few for 2 final"
    )


def test_an_option_of_the_wrong_type(copy, refused):
    shutil.rmtree(copy.folder / "runs")
    wrong = copy.model_copy(update={"sharing": {"cds": {"tau": "high"}}})
    assert refused(wrong, "train", *JOB).startswith("--config: sharing.cds.tau: Input should")


def test_a_missing_profile(call, tmp_path):
    status, _, errors = call("config", "--config", str(tmp_path / "none.yaml"))
    assert (status, errors) == (
        1,
        f"error: {tmp_path}/none.yaml: no such configuration; see workflow/config/\n",
    )


@pytest.mark.parametrize("package", ["h5py", "torch"])
def test_a_missing_package_is_named(trained, package):
    code = (
        f"import sys; sys.modules['{package}'] = None; "
        "from cds_bench.cli import main; sys.argv[1:1] = ['train']; main()"
    )
    command = [sys.executable, "-c", code, *JOB, "--config", trained.model_dump_json()]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: the package '{package}' is not installed here; run")
    assert "make setup" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_while_training(copy):
    """The system refuses files over 1 kB. The message is plain, and no run is half-written."""
    shutil.rmtree(copy.folder / "runs")
    before = tree(Path(copy.results))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "import sys; sys.argv[1:1] = ['train']; from cds_bench.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *JOB, "--config", copy.model_dump_json()]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "error: " in result.stderr
    assert "/000000000020.pt: not written (File too large)" in result.stderr
    assert "Traceback" not in result.stderr
    left = tree(Path(copy.results)).keys() - before.keys()
    assert {Path(name).name for name in left} <= {".claim", ".progress.json"}, "only status files"
