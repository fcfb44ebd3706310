"""A results folder as the workflow leaves it, for tests of the report page."""

import os
import shutil
from pathlib import Path

from cds_bench import jobs
from cds_bench.dataset.relabel import build_pool
from cds_bench.report.results_so_far import write_results_so_far
from cds_bench.storage import files, paths
from tests.report import synthetic


def complete(folder: Path, collected):
    """A synthetic results folder with data, runs, tables and figures, as the workflow leaves it."""
    config = synthetic.config(
        folder, seeds_per_job=1, sharing={"no_sharing": {}, "cds": {}}, datasets=collected.datasets
    )
    synthetic.write(config)
    for name in ("references", "datasets"):
        shutil.copytree(collected.folder / name, config.folder / name)
    build_pool(config.model_copy(update={"suites": collected.suites}), synthetic.SUITE)
    for run in jobs.runs(config):
        seed, record = int(run[3].split("-")[0]), Path(jobs.run_files(config, *run)["run"])
        files.write_json(record, synthetic.run_record([seed]))
        os.utime(record, (0, 0))  # it has to be older than its scores
    files.write_text(paths.resolved(config), config.model_dump_json())
    write_results_so_far(config)
    return config
