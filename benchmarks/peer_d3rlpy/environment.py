"""The peer's own environment, benchmarks/peer_d3rlpy/.venv, from its own lock."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LOCK = FOLDER / "requirements.lock"
VENV = FOLDER / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed"


def complete() -> bool:
    """Whether the environment holds what the lock says, at this place."""
    return STAMP.exists() and STAMP.read_text() == _content()


def install() -> None:
    """Makes the environment. Raises OSError or CalledProcessError, whose stderr says why."""
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    environment = os.environ | {"PIP_REQUIRE_VIRTUALENV": "1"}
    for command in (
        [sys.executable, "-m", "venv", "--clear", VENV],
        [*pip, "--constraint", LOCK, "pip", "setuptools"],
        [*pip, "--requirement", LOCK, "--build-constraint", LOCK],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    STAMP.write_text(_content())


def _content() -> str:
    return f"{VENV}\n{LOCK.read_text()}"
