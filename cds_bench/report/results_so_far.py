"""Every table, every figure and the report page from the results so far."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.report import making, page, targets
from cds_bench.statistics import merging

OLD = 86_400.0  # seconds since 1970; the workflow remakes files that are older than their inputs


def write_results_so_far(config: Config) -> None:
    """Writes the files of the workflow's last rules. A part that fails does not stop the others.

    The files get a date in 1970, so that the workflow does not take them for complete ones later.
    Raises BenchError that lists every part that could not be written.
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
    merged = [
        (jobs.suite_statistics(config, suite), partial(merging.write_suite, config, suite))
        for suite in config.suites
    ]
    merged.append((jobs.statistics(config), partial(merging.write_profile, config)))
    drawn = [
        (product.files(config, suite), partial(making.write, config, product, suite))
        for product, suite in targets.listed(config)
    ]
    return [
        *(partial(_anew, files, write) for files, write in (*merged, *drawn)),
        partial(page.write_page, config),
    ]


def _anew(files: Iterable[str | Path], write: Callable[[], object]) -> None:
    """Writes files; if that fails, none is left, because the page would show the old ones."""
    try:
        write()
    except BenchError:
        for path in files:
            Path(path).unlink(missing_ok=True)
        raise


def _try(part: Callable[[], object]) -> str:
    try:
        part()
    except BenchError as error:
        return str(error)
    return ""
