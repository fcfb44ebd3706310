"""The set-up: locked versions, consistent version numbers, and what `make setup` refuses."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import cds_bench
from cds_bench.dataset import credit

ROOT = Path(__file__).parents[1]
SETUP_FILES = ("Makefile", "requirements.lock", "requirements-no-deps.txt", "pyproject.toml")


def requirements(name: str) -> list[str]:
    """The lines of a requirements file without comments."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def project(requirement: str) -> str:
    """The normalised project name of a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement)[0]).lower()


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path):
    """A folder with the set-up's files and nothing else."""
    for name in SETUP_FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make_setup(checkout: Path, python: Path) -> subprocess.CompletedProcess:
    command = ["make", f"PYTHON={python}", "setup"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=30)


def test_a_mistyped_profile_is_named_before_the_set_up(checkout):
    (checkout / "workflow" / "config").mkdir(parents=True)
    (checkout / "workflow" / "config" / "smoke.yaml").touch()
    command = ["make", "PROFILE=smok", "results"]
    result = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=30)
    assert result.returncode != 0
    expected = "PROFILE=smok: no file workflow/config/smok.yaml; profiles: smoke"
    assert result.stderr.startswith(expected)
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-no-deps.txt", "requirements-slurm.txt"]
)
def test_every_version_is_exact(name):
    for line in requirements(name):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][a-z0-9.]*", line), line


def test_lock_covers_every_direct_requirement():
    locked = {project(line) for line in requirements("requirements.lock")}
    assert {project(line) for line in requirements("requirements.in")} <= locked


def test_lock_names_no_place():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^-|--(index|extra|find|trusted)|/\w", text, re.MULTILINE)


def test_lock_leaves_the_build_of_torch_to_the_machine():
    locked = requirements("requirements.lock")
    assert "torch==2.13.0" in locked
    assert not [line for line in locked if line.startswith(("nvidia", "cuda", "triton"))]


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for told in (citation["title"], f"version {citation['version']}"):
        assert told in credit.CITATION
    assert citation["references"][0]["title"] in credit.CITATION
    latest = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert citation["version"] == cds_bench.__version__
    assert latest[1] == cds_bench.__version__


def test_oldest_python_agrees():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())
    oldest = re.search(r"^OLDEST := (\d+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert metadata["project"]["requires-python"].startswith(f">=3.{oldest[1]}")


@pytest.mark.parametrize("version", ["2.7.18", "3.9.18", "3.14.0"])
def test_unsupported_python_is_named_and_nothing_is_made(checkout, version):
    result = make_setup(checkout, executable(checkout / "python", f"echo Python {version}"))
    assert result.returncode != 0
    assert "needs Python 3.11 to 3.13" in result.stderr
    assert version in result.stderr
    assert "make PYTHON=python3.12 setup" in result.stderr
    assert not (checkout / ".venv").exists()


def test_missing_venv_module_is_named(checkout):
    script = '[ "$1" = --version ] && echo Python 3.11.2 && exit\nexit 1'
    result = make_setup(checkout, executable(checkout / "python", script))
    assert result.returncode != 0
    assert "venv module is missing" in result.stderr


def test_nothing_is_installed_through_a_half_made_environment(checkout):
    """Its python is still the machine's own, which an installation must never change."""
    log = checkout / "log"
    script = f'echo "$@" >> {log}\n[ "$1" = --version ] && echo Python 3.11.2 && exit\nexit 1'
    executable(checkout / ".venv/bin/python", script)
    result = make_setup(checkout, executable(checkout / "python", "echo Python 3.9.18"))
    assert result.returncode != 0
    assert "install" not in log.read_text()
