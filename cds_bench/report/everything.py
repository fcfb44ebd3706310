"""Every table, figure and the report page from what there is, while some runs lack."""

import os
from collections.abc import Callable
from functools import partial

from cds_bench import workflow
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.report import (
    coverage,
    figures,
    headroom,
    heatmaps,
    oracle,
    page,
    paper_claims,
    ranks,
    regime,
    selection,
    shift,
    tables,
)
from cds_bench.statistics import comparisons, schema
from cds_bench.statistics import paper_claims as tested
from cds_bench.statistics import shift as moved

OLD = 86_400.0  # seconds: what is older than every input is made again by the workflow


def write_everything(config: Config) -> None:
    """Writes what the workflow's last rules write, each part for itself.

    The workflow has not made these files, and must not take them for complete ones later: they get
    the date of 1970. Raises BenchError with every part that could not be written.
    """
    problems = [problem for part in _parts(config) if (problem := _try(part))]
    for path in (*workflow.results(config), workflow.report(config)):
        if os.path.exists(path):
            os.utime(path, (OLD, OLD))
    if problems:
        raise BenchError("\n".join(problems))


def _parts(config: Config) -> list[Callable[[], object]]:
    found: list[Callable[[], object]] = [
        partial(schema.write_scores, config, schema.checked_baselines(config)),
        partial(moved.write_shift, config),
        partial(comparisons.write_comparisons, config),
        partial(tested.write_claims, config),
    ]
    for suite in config.suites:
        writers = (
            tables.write_suite_table,
            tables.write_comparison_table,
            oracle.write_oracle_table,
            figures.write_learning_curves,
            figures.write_aggregates,
            selection.write_selection,
            coverage.write_coverage,
        )
        found += [partial(write, config, suite) for write in writers]
        discount = workflow.discount(config, suite)
        if workflow.suite_headroom(config, suite)["tables"]:
            found.append(partial(headroom.write_headroom, config, suite, discount))
        found += [
            partial(heatmaps.write_sharing, config, suite, name) for name in config.algorithms
        ]
    found += [
        partial(write, config)
        for write in (
            ranks.write_ranks,
            shift.write_distribution_shift,
            paper_claims.write_claims_table,
            regime.write_regime,
            page.write_page,
        )
    ]
    return found


def _try(part: Callable[[], object]) -> str:
    try:
        part()
    except BenchError as error:
        return str(error)
    return ""
