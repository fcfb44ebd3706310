"""cds-bench: from behaviour policies to comparison tables."""

# snakemake --cores 8                                            the default profile
# snakemake --cores 8 --configfile workflow/config/smoke.yaml    another one
# snakemake --cores 8 table_walker2d_mixed                       one table, from its suite's runs
# snakemake --cores 8 table_door_drawer --configfile workflow/config/smoke.yaml
#
# Name targets before --configfile: Snakemake takes every word after it for a file.

import json
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from cds_bench import baselines, jobs, stopping
from cds_bench.config import parse_profile, part
from cds_bench.config.plain import read_yaml
from cds_bench.errors import BenchError
from cds_bench.planning import stacking
from cds_bench.planning.requests import request
from cds_bench.report import product, targets
from cds_bench.storage import paths
from cds_bench.storage.fingerprint import fingerprint
from cds_bench.storage.locks import hold

min_version("9.0")


# Slurm sends SIGTERM to every process of a job. The shell waits for its command nevertheless, because
# Slurm kills what is left of a job whose shell has ended, and training needs a moment to save itself.
shell.prefix("set -euo pipefail; trap : TERM; ")


# Only with --software-deployment-method apptainer; docs/cluster.md says how to build it.
container: "containers/cds-bench.sif"


# Only without a profile: the directive would merge a profile's lists with the default's.
if "suites" not in config:

    configfile: "workflow/config/default.yaml"


try:
    for file in workflow.configfiles:  # Snakemake lets the last of two equal keys win
        read_yaml(file)
    settings, stacked = stacking.settle(parse_profile(config, "configuration"))
    jobs.check_sources(settings)
except BenchError as error:
    raise WorkflowError(str(error)) from None


whole = settings.model_dump_json()


wildcard_constraints:
    suite="|".join(settings.suites),
    task="|".join(settings.tasks()),
    policy="|".join(settings.policies()) or "none",
    algorithm="|".join(settings.algorithms),
    sharing="|".join(settings.sharing),
    seeds=r"\d+-\d+",
    baseline="|".join(settings.baselines) or "none",


onstart:
    # The lock is released when this process ends, even if it is killed.
    try:
        hold(settings.folder, "a workflow is being run on it")
        stacking.keep(settings, stacked)
    except BenchError as error:
        raise WorkflowError(str(error)) from None
    if stacked.new:
        print(f"seeds_per_job: {stacked}")
    stopping.pass_on()


onsuccess:
    print(f"Tables: {settings.folder / 'tables'}")
    if Path(jobs.report(settings)).exists():
        print(f"Report: {jobs.report(settings)}")


onerror:
    # The tables mark what failed. Snakemake still exits with the status of the failure.
    if stopping.stopped():
        print("Stopped by SIGTERM. The same command continues.")
    else:
        shell("cds-bench tables --config {whole:q} || true")
        print(
            f"Report of the results so far (failed runs are marked): {jobs.report(settings)}"
        )


rule all:
    default_target: True
    input:
        targets.tables(settings),
        targets.figures(settings),
        jobs.report(settings),
    message:
        "All results are complete"


include: "workflow/rules/behaviour.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/report.smk"
# Included last, so that an error about a rule name that is already taken names the baseline's rule.
include: "workflow/rules/baselines.smk"
