"""The jobs of the shipped profiles, and the jobs that a single target needs."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

import envs
from cds_bench.config import load
from tests.projects import OVER_SUITES, PAPER, ROOT

PROFILES = sorted(path.stem for path in (ROOT / "workflow" / "config").glob("*.yaml"))
KINDS = ("table", "figures", "selection", "coverage", "headroom")  # rules that every suite has

# Prints the plan of each profile as JSON: the number of jobs of every rule, and for every job the
# rules and suites of the jobs that it needs.
PLANS = """
import json, sys
from collections import Counter
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    ConfigSettings, DAGSettings, ExecutionSettings, OutputSettings, ResourceSettings
)

def needed(dag, job):
    found, waiting = set(), [job]
    while waiting:
        new = set(dag.dependencies[waiting.pop()]) - found
        found |= new
        waiting += new
    return found

def place(wildcards):
    return wildcards.get("suite", wildcards.get("task", ""))

plans = {}
for path in sys.argv[1:]:
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[Path(path)]),
            snakefile=Path("Snakefile"),
        )
        settings = ExecutionSettings(lock=False)
        workflow.dag(DAGSettings()).execute_workflow("dryrun", execution_settings=settings)
        dag = workflow._workflow.dag
        jobs = list(dag.jobs)
        plans[path] = {
            "counts": Counter(job.rule.name for job in jobs),
            "needs": {
                job.rule.name: sorted({
                    (other.rule.name, place(other.wildcards))
                    for other in needed(dag, job)
                })
                for job in jobs
            },
        }
print(json.dumps(plans))
"""


@pytest.fixture(scope="module")
def plans(project):
    """The plans of all shipped profiles (PLANS), made in one process."""
    command = [sys.executable, "-c", PLANS, *(f"workflow/config/{name}.yaml" for name in PROFILES)]
    result = subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    return {Path(path).stem: plan for path, plan in found.items()}


@pytest.mark.parametrize("name", PROFILES)
def test_a_target_of_a_suite_plans_only_its_jobs(plans, name):
    """One table of a profile needs no run of another suite."""
    config, needs = load(ROOT / f"workflow/config/{name}.yaml"), plans[name]["needs"]
    for kind, suite in itertools.product(KINDS, config.suites):
        rule = f"{kind}_{suite.replace('-', '_')}"
        if not shown(kind, rule.removeprefix(f"{kind}_")):
            continue
        assert {other for _, other in needs[rule]} <= {suite, *envs.SUITES[suite].tasks, ""}, rule
        assert {stage for stage, other in needs[rule] if other != suite} <= {
            "references", "behaviour", "d3rlpy_cql_environment",
        }  # fmt: skip
        assert (["train", suite] in needs[rule]) == (kind in ("table", "figures", "selection")), (
            rule
        )
    if len(config.suites) > 1:
        everywhere = {suite for stage, suite in needs["table_ranks"] if stage == "train"}
        assert everywhere == set(config.suites), "ranks are over all suites"


def test_the_table_over_qualities_needs_only_their_suites(plans):
    needs = plans["paper"]["needs"]["paper_table_shift"]
    trained = {suite for stage, suite in needs if stage == "train"}
    assert trained == {
        f"antmaze-{size}-{kind}" for size in ("medium", "large")
        for kind in ("undirected", "directed")
    }  # fmt: skip
    assert "paper_table_shift" in plans["shift"]["counts"]
    assert "paper_table_shift" not in plans["default"]["counts"]


@pytest.mark.parametrize("name", PROFILES)
def test_the_jobs_of_a_profile(plans, name):
    config = load(ROOT / f"workflow/config/{name}.yaml")
    runs = len(config.suites) * len(config.methods) * (config.seeds // config.seeds_per_job)
    names = [suite.replace("-", "_") for suite in config.suites]
    tasks = sum(len(envs.SUITES[suite].tasks) for suite in config.suites)
    seen = [
        suite.replace("-", "_") for suite in config.suites if envs.SUITES[suite].domain == "vision"
    ]
    d3rlpy = {
        "d3rlpy_cql_environment": 1,
        "d3rlpy_cql_train": tasks * config.seeds,
        "d3rlpy_cql_evaluate": len(config.suites),
        "baseline_check": len(config.suites),
    }
    assert set(config.baselines) <= {"d3rlpy_cql"}
    assert plans[name]["counts"] == {
        "references": len(config.tasks()),
        "dataset": tasks,
        "pool": len(config.suites),
        "train": runs,
        "evaluate": runs,
        "suite_statistics": len(config.suites),
        "statistics": 1,
        **dict.fromkeys((*OVER_SUITES, *PAPER), 1),
        **({"paper_table_shift": 1} if name in ("shift", "paper", "study") else {}),
        **(dict.fromkeys(("theory", "paper_table_theory"), 1) if config.theory != "none" else {}),
        **({"paper_table_vision": 1} if seen else {}),
        **{f"samples_{suite}": 1 for suite in seen},
        "configuration": 1,
        "report": 1,
        "all": 1,
        **(d3rlpy if config.baselines else {}),
        **{f"{kind}_{name}": 1 for kind in KINDS for name in names if shown(kind, name)},
    }


def shown(kind: str, suite: str) -> bool:
    """Whether a suite has files of a kind: with one task there is no headroom."""
    return kind != "headroom" or not suite.endswith("_single")
