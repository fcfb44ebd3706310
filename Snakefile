"""cds-bench: from behaviour policies to comparison tables."""

# snakemake --cores 8                                            the default profile
# snakemake --cores 8 --configfile workflow/config/smoke.yaml    another one
# snakemake --cores 8 table_walker2d_mixed                       one table

import json
import os

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from cds_bench import config as configuration
from cds_bench import baselines, paths, workflow as plan
from cds_bench.claims import hold
from cds_bench.errors import BenchError
from cds_bench.fingerprint import fingerprint

min_version("9.0")

# A profile's lists must not be merged with the default's: the directive would do that.
if "suites" not in config:

    configfile: "workflow/config/default.yaml"


try:
    settings = configuration.complete(
        configuration.parse(config, "configuration"), "configuration"
    )
except BenchError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    suite="|".join(settings.suites),
    task="|".join(settings.tasks()),
    policy="|".join(settings.policies()) or "none",
    algorithm="|".join(settings.algorithms),
    sharing="|".join(settings.sharing),
    seeds=r"\d+-\d+",
    baseline="|".join(settings.baselines) or "none",


# The second run, which the first one starts (onerror) to make the tables without the external
# baselines that have failed.
without_failed = plan.WITHOUT_FAILED in os.environ


onstart:
    # Held while this process lives, and gone with it however it ends. The first run holds it for
    # the second.
    if not without_failed:
        try:
            hold(settings.folder, "a workflow is being run on it")
        except BenchError as error:
            raise WorkflowError(str(error)) from None


onerror:
    failed = plan.failed_baselines(settings)
    if failed and not without_failed:
        print(f"Making the tables without {', '.join(failed)}.", flush=True)
        again = settings.folder / ".without_failed.json"
        again.write_text(settings.model_dump_json())
        shell(
            "{plan.WITHOUT_FAILED}=1 snakemake --cores {workflow.cores} --configfile {again}"
        )


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        plan.tables(settings),
        plan.figures(settings),
        plan.report(settings),


include: "workflow/rules/behaviour.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/report.smk"
# Last, so that a rule's name that is taken already is reported of the baseline's.
include: "workflow/rules/baselines.smk"
