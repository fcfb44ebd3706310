"""SIGTERM in the middle of training: every process ends soon, and training goes on from there."""

import os
import re
import signal
import time

import pytest

from tests.projects import MIXED, TINY, wait_for

SECONDS = 60  # a batch system gives ten; a busy machine needs more


def test_a_workflow_ends_after_sigterm_and_continues(project):
    """The signal comes to Snakemake alone, and to all processes, as batch systems send it."""
    path = project.profile(
        profile="stopped",
        sharing={"no_sharing": None},
        training=TINY["training"] | {"steps": 1_000_000},
    )
    results = project.folder / "results" / "stopped"
    progress = results / "runs" / MIXED / "cql" / "no_sharing" / "seeds0-1" / ".progress.json"
    log = results / "logs" / "train" / f"{MIXED}_cql_no_sharing_0-1.log"
    steps = [0]
    for send in (os.kill, os.killpg):
        progress.unlink(missing_ok=True)
        process = project.start("--cores", "2", "statistics", "--configfile", path)
        try:
            wait_for(progress.exists, 240)
            began = time.monotonic()
            send(process.pid, signal.SIGTERM)
            output, _ = process.communicate(timeout=SECONDS)
            print(f"{send.__name__}: ended after {time.monotonic() - began:.1f} s")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode != 0
        assert "Stopped by SIGTERM. The same command continues." in output
        assert "Traceback" not in output
        stop = re.search(
            r"stopped by SIGTERM after step (\d+); run the same command", log.read_text()
        )
        assert stop, "the job ended before Snakemake did"
        steps.append(int(stop[1]))
        saved = sorted((results / "checkpoints").rglob("*.pt"))
        assert int(saved[-1].stem) == steps[-1]
        assert not list(results.rglob(".*-????????.*")), "nothing half-written"
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert steps[0] < steps[1] < steps[2], "the second run went on where the first had stopped"
