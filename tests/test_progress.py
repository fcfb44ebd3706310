"""Progress is for those who watch: nothing depends on it."""

import os
import subprocess
import sys

import pytest

CODE = """
from cds_bench import progress
progress.SECONDS_BETWEEN_LINES = 0.0
with progress.Progress("train", 3) as bar:
    for done in (1, 2, 3):
        bar.update(done, "x" * 5000)
print("trained")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_the_log_ends_nothing(unbuffered):
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-c", CODE]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, env=environment)
    assert (result.returncode, result.stdout) == (0, b"trained\n")
