"""A copy of the project in which tests run the workflow, and a tiny profile for it."""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
MIXED, TABLE, FIGURES = "walker2d-mixed", "table_walker2d_mixed", "figures_walker2d_mixed"
SELECTION = "selection_walker2d_mixed"
OVER_SUITES = ("table_ranks", "table_shift", "table_claims", "table_regime")
PAPER = ("paper_table_main", "paper_figure_routing")
STATISTICS = ("suite_statistics", "statistics")
SUMMARY = dict.fromkeys(
    (*STATISTICS, TABLE, FIGURES, SELECTION, *OVER_SUITES, *PAPER, "report", "all"), 1
)
NOTHING = "Nothing to be done"

# A strategy that can be told to pause in the middle of training, until a file is removed.
PATIENT = '''"""No sharing, slowly."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from cds_bench.records import Sharing

calls = []


@dataclass(frozen=True)
class Config:
    batch: str = "own"


def share(config, offer, critic, uniform, state):
    calls.append(1)
    if len(calls) == 10 and (name := os.environ.get("TEST_WAIT")):
        Path(name).write_text(str(os.getpid()))
        while Path(name).exists():
            time.sleep(0.02)
    return Sharing(weight=offer.own.float())
'''
NOVELTY = """
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics.headline import headline
from cds_bench.statistics.schema import read_scores
from cds_bench.storage import paths


def novelty(config, suite):
    best = headline(read_scores(paths.scores(config, suite)), config.protocol)
    rows = tuple((row.task, (Cell(str(row.seed)),)) for row in best.itertuples())
    return Made(best, Table("A novelty", "task", (Block("", ("seed",), rows),), ("New.",)))
"""
ENTRY = """PRODUCTS = (
    Product("novelty", "novelty", SUITE, "novelty:novelty", "It is new.", sources.scores, TABLE),
"""
TINY = {
    "profile": "tiny",
    "suites": {MIXED: {"sizes": {"run-forward": 300, "run-backward": 250, "jump": 200}}},
    "algorithms": {"cql": {"actions": 2, "cloning_steps": 5}},
    "sharing": {"no_sharing": None, "patient": None},
    "seeds": 2,
    "seeds_per_job": 2,
    "datasets": {
        "bands": {key: [-1000, 1000] for key in ("medium-replay", "medium", "expert")},
        "reference_episodes": 2,
    },
    "training": {
        "steps": 20, "batch_size": 32, "hidden": [32, 32], "log_points": 2,
        "shift_steps": 6, "device": "cpu",
    },
    "domains": {"locomotion": {"training": {"shift_steps": 5}}},
    "protocol": {
        "curve_snapshots": 1, "final_snapshots": 2, "curve_episodes": 1, "final_episodes": 1,
        "reference": "no_sharing", "resamples": 200, "confidence": 0.9, "correction": "bonferroni",
    },
}  # fmt: skip
# Makes the statistics, tables and figures of the profile whose path is the argument.
MAKE_ALL = """
import sys
from cds_bench.config import load
from cds_bench.report import making, targets
from cds_bench.statistics import merging
config = load(sys.argv[1])
for suite in config.suites:
    merging.write_suite(config, suite)
merging.write_profile(config)
for target in targets.targets(config):
    making.make(config, *target)
"""


class Project:
    """A copy of the project: `run` calls Snakemake in it, with its own copy of the packages."""

    def __init__(self, folder: Path):
        self.folder = folder
        # The copy's packages hide the installed ones in Snakemake and in every job.
        self.environment = os.environ | {"PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
        self.environment.pop("TEST_WAIT", None)

    def profile(self, **changes) -> str:
        """Writes a profile derived from TINY and returns its path."""
        values = TINY | changes
        path = self.folder / f"{values['profile']}.yaml"
        path.write_text(yaml.safe_dump(values, sort_keys=False))
        return str(path)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """Starts Snakemake in its own process group, so that a test can kill all of it."""
        return subprocess.Popen(
            ["snakemake", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status and output."""
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=600)  # a busy machine
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, output

    def planned(self, *arguments: str) -> dict[str, int]:
        """The planned jobs, as rule -> count. The whole output must be a plan without errors."""
        status, output = self.run("-n", *arguments)
        assert status == 0, output
        if NOTHING in output:
            return {}
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.DOTALL | re.MULTILINE)
        return {name: int(count) for name, count in map(str.split, table[1].splitlines())}

    def scores(self, profile: str) -> bytes:
        return (self.folder / "results" / profile / "scores.csv").read_bytes()


def wait_for(condition, seconds: float = 90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False
