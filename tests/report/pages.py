"""A results folder as the workflow leaves it, for tests of the report page."""

import re
import shutil
from html import unescape
from pathlib import Path

from cds_bench.dataset.relabel import build_pool
from cds_bench.report.results_so_far import write_results_so_far
from cds_bench.storage import files, paths
from cds_bench.storage.reference_scores import REFERENCES
from tests.report import synthetic


def complete(folder: Path, collected):
    """A synthetic results folder with data, runs, tables and figures, as the workflow leaves it."""
    config = synthetic.config(
        folder, seeds_per_job=1, sharing={"no_sharing": {}, "cds": {}}, datasets=collected.datasets
    )
    synthetic.write(config)
    shutil.copytree(collected.folder / "datasets", config.folder / "datasets")
    for task in config.tasks():
        means, about = (files.read_json(paths.references(c, task)) for c in (config, collected))
        for name in REFERENCES:
            about[name]["mean"] = means[name]["mean"]
        files.write_json(paths.references(config, task), about)
    build_pool(config.model_copy(update={"suites": collected.suites}), synthetic.SUITE)
    files.write_text(paths.resolved(config), config.model_dump_json())
    write_results_so_far(config)
    return config


def plain(text: str) -> str:
    """The text that a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def sentences(text: str) -> int:
    return len(re.findall(r"\.(?= |$)", text))
