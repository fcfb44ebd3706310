"""The peer's environment. It is that of the external baseline, from its lock."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "workflow" / "baselines" / "d3rlpy_cql"
VENV = FOLDER / ".venv"
PYTHON = VENV / "bin" / "python"


def complete() -> bool:
    """Whether the environment at this place was made from the current lock."""
    stamp, lock = VENV / ".installed", FOLDER / "requirements.lock"
    return stamp.exists() and stamp.read_text() == f"{FOLDER}\n{lock.read_text()}"


def install() -> None:
    """Makes the environment. Raises OSError or CalledProcessError, whose stderr says why."""
    command = ["bash", FOLDER / "environment.sh", sys.executable]
    subprocess.run(command, check=True, capture_output=True, text=True)
