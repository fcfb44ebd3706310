"""Every table, every figure and the report page from the results so far."""

import os
from collections.abc import Callable
from functools import partial

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.report import making, page, targets
from cds_bench.statistics import merging

OLD = 86_400.0  # seconds: the workflow makes again what is older than its inputs


def write_results_so_far(config: Config) -> None:
    """Writes what the workflow's last rules write; a part that fails does not stop the others.

    The workflow has not made these files and must not take them for complete ones later, so they
    get the date of 1970. Raises BenchError with every part that could not be written.
    """
    problems = [problem for part in _parts(config) if (problem := _try(part))]
    made = [path for suite in config.suites for path in jobs.suite_statistics(config, suite)]
    made += jobs.statistics(config) + targets.tables(config) + targets.figures(config)
    for path in (*made, jobs.report(config)):
        if os.path.exists(path):
            os.utime(path, (OLD, OLD))
    if problems:
        raise BenchError("\n".join(problems))


def _parts(config: Config) -> list[Callable[[], object]]:
    return [
        *(partial(merging.write_suite, config, suite) for suite in config.suites),
        partial(merging.write_profile, config),
        *(partial(making.write, config, *each) for each in targets.listed(config)),
        partial(page.write_page, config),
    ]


def _try(part: Callable[[], object]) -> str:
    try:
        part()
    except BenchError as error:
        return str(error)
    return ""
