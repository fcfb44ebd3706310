"""A workflow on a real Slurm: cancelled and drained in between, it ends with the same scores.

One workflow is run without Slurm and once more with it. All tests look at what these two left.
"""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.projects import TINY, Project, wait_for
from tests.slurm.cluster import Cluster, cluster, lacking

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())

SUITE, TASK = "pointmaze-medium-single", "pointmaze-medium-20-4"
RUN = f"{SUITE}/cql/patient/seeds0-1"
PROFILE = "workflow/profiles/slurm"
OPTIONS = (
    "--workflow-profile", PROFILE, "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "4", "--latency-wait", "10",
)  # fmt: skip
SMALL = {
    "suites": {SUITE: {"sizes": {TASK: 400}}},
    "datasets": {"bands": {"directed": [0, 1]}, "reference_episodes": 2},
}
SECONDS = 600.0  # a busy machine is slow; a quiet one needs a tenth of it


@dataclass(frozen=True)
class Story:
    """What the two workflows left, and what Slurm showed in between.

    held: whether the cancelled job waited for the step that was in progress.
    saved: the checkpoints after the cancelled job had ended.
    drained: the jobs that waited while the node took none.
    asked: what Slurm says about the first training job.
    """

    project: Project
    status: int
    output: str
    held: bool
    saved: list[str]
    drained: dict[str, str]
    asked: str
    jobs: dict[str, str]


def target(profile: str) -> str:
    return f"results/{profile}/scores.csv"


@pytest.fixture(scope="module")
def story(project) -> Story:
    local = project.profile(**SMALL, profile="local")
    status, output = project.run("--cores", "2", target("local"), "--configfile", local)
    assert status == 0, output
    with cluster() as slurm:
        return through(slurm, project)


def through(slurm: Cluster, project: Project) -> Story:
    """Runs the workflow on Slurm: cancels a job in the middle of training, then drains the node."""
    path = project.profile(**SMALL, profile="slurm", training=TINY["training"] | {"device": "auto"})
    marker = project.folder / "waiting"  # `patient` waits in the middle of training
    environment = project.environment | {"TEST_WAIT": str(marker)}
    environment |= {name: slurm.environment[name] for name in ("PATH", "SLURM_CONF")}
    log = project.folder / "slurm.txt"
    with open(log, "w") as out:
        workflow = subprocess.Popen(
            ["snakemake", *OPTIONS, target("slurm"), "--configfile", path],
            cwd=project.folder, stdout=out, stderr=out,
            env=environment,
        )  # fmt: skip
    try:
        wait_for_training(marker, workflow)
        (job,) = [number for number, name in slurm.jobs("running").items() if "_patient_" in name]
        asked = slurm.ask("scontrol", "show", "job", job)
        slurm.ask("scancel", job)
        time.sleep(3)  # as if the step that is in progress took long
        held = job in slurm.jobs("completing")
        marker.unlink()
        wait_for(lambda: job in slurm.jobs("cancelled"), SECONDS)
        folder = project.folder / "results" / "slurm" / "checkpoints" / RUN
        saved = [path.name for path in folder.glob("*.pt")]

        wait_for_training(marker, workflow)  # the job was submitted again
        slurm.node("drain")
        marker.unlink()
        wait_for(lambda: slurm.jobs("pending"), SECONDS)
        drained = slurm.jobs("pending")
        slurm.node("resume")
        status = workflow.wait(timeout=SECONDS)
    finally:
        if workflow.poll() is None:
            workflow.send_signal(signal.SIGKILL)
            workflow.wait()
    output = log.read_text(errors="replace")
    return Story(project, status, output, held, saved, drained, asked, slurm.jobs())


def wait_for_training(marker: Path, workflow: subprocess.Popen) -> None:
    wait_for(lambda: marker.exists() or workflow.poll() is not None, SECONDS)
    assert marker.exists(), "the workflow ended before the training that waits"


def test_scores_are_those_of_a_run_without_slurm(story):
    assert story.status == 0, story.output
    assert story.project.scores("slurm") == story.project.scores("local")
    rules = {name.split("_")[1] for name in story.jobs.values()}
    assert rules == {"references", "dataset", "pool", "train", "evaluate"}, "the rest is local"


def test_cancelled_training_goes_on_from_its_checkpoint(story):
    """A step was in progress: it is finished, saved, and not repeated."""
    assert story.held
    assert story.saved == ["000000000010.pt"]
    record = story.project.folder / "results" / "slurm" / "runs" / RUN / "run.json"
    assert json.loads(record.read_text())["interruptions"] == 1
    trained = [name for name in story.jobs.values() if "_patient_" in name and "train" in name]
    assert len(trained) == 2, "submitted, cancelled, and submitted again"


def test_a_drained_node_loses_nothing(story):
    """The training job that ran on it was not disturbed, and the others waited for it."""
    assert all("evaluate" in name for name in story.drained.values())
    evaluated = [name for name in story.jobs.values() if "evaluate" in name]
    assert len(evaluated) == len(set(evaluated)) == 2


def test_training_asks_for_a_gpu_and_its_memory(story):
    assert "gres:gpu:1" in story.asked
    assert "MinMemoryNode=8000M" in story.asked
