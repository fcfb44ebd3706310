"""The report page: all results of a profile in one HTML file that needs no other file.

If a file is missing or damaged, the page names it in the place where it belongs.
"""

from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

import envs
from cds_bench import jobs
from cds_bench.config import Config, horizons
from cds_bench.errors import BenchError
from cds_bench.report import cards, contents, drilldown, provenance
from cds_bench.report.captions import label, percent, protocol, unit
from cds_bench.report.table_formats import STYLE, minus
from cds_bench.statistics.headline import AVERAGE
from cds_bench.statistics.schema import lacking, merge, read_csv, read_scores
from cds_bench.status.layout import clock
from cds_bench.storage import files, paths
from cds_bench.storage.columns import SCORES


def write_page(config: Config) -> None:
    """Writes report.html from the files of the previous stages."""
    files.write_text(jobs.report(config), page(config))


def page(config: Config) -> str:
    """The page's text. It is the same for the same files and code."""
    runs = provenance.runs(config)
    scores, no_scores = _scores(config)
    items = contents.items(config)
    manifests = {suite: cards.manifest(config, suite) for suite in config.suites}
    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = lambda text: minus(str(text))
    return environment.get_template("page.html.jinja").render(
        config=config,
        table_style=STYLE,
        page_style=(folder / "page.css").read_text(encoding="utf-8"),
        abstract=abstract(config, runs),
        protocol=protocol(config),
        short=horizons.warnings(config),
        glance=glance(config),
        suites={suite: about(config, suite) for suite in config.suites},
        results=_of_suites(config, [item for item in items if not item.product.data]),
        overall=_overall([item for item in items if not item.suite]),
        no_scores=no_scores,
        methods={s: drilldown.methods(config, scores, runs, s) for s in config.suites},
        job_columns=drilldown.JOB_COLUMNS,
        points=drilldown.POINTS,
        datasets={s: cards.cards(config, s) for s in config.suites},
        coverage=_of_suites(config, [item for item in items if item.product.data]),
        versions=provenance.versions(runs, list(manifests.values())),
        pools=provenance.pools(config, runs),
        training_code=provenance.training_code(runs),
        present_code=provenance.present_code(),
        hashes=provenance.hashes(config),
        resolved=paths.resolved(config).as_posix(),
        configuration=config.model_dump_json(indent=2),
    )


def _scores(config: Config) -> tuple[pd.DataFrame, str]:
    """scores.csv, and the reason if there are no scores."""
    try:
        return read_scores(paths.scores(config)), ""
    except BenchError as error:
        return pd.DataFrame(columns=SCORES), str(error)


def abstract(config: Config, runs: list[provenance.Run]) -> dict[str, Any]:
    """When, where and how long the runs trained, and which of them failed or are missing."""
    total = provenance.seconds(runs)
    hours = total / 3600
    unfinished = [run for run in runs if run.state != "complete"]
    named = {(run.suite, run.algorithm, run.sharing) for run in unfinished}
    return {
        "when": provenance.moments(runs),
        "machines": provenance.machines(runs),
        "hours": f"{hours:,.2f}" if hours >= 0.1 else f"{hours:.2g}",
        "clock": clock(total),
        "jobs": len(runs),
        "complete": sum(run.state == "complete" for run in runs),
        "problems": [
            *(f"{run.suite}, {run.method}, seeds {run.seeds}: {run.state}" for run in unfinished),
            *(text for suite in config.suites for text in _lacking(config, suite, named)),
        ],
        "versions": [row[:2] for row in provenance.versions(runs, [])],
        "percent": percent(config),
    }


def _lacking(config: Config, suite: str, named: set[tuple[str, str, str]]) -> list[str]:
    """What a suite's scores lack, also of baselines; without the methods that are named already.

    Scores that no table is made of, because they are not those of the protocol, are named too.
    """
    try:
        merge(config, suite)
        frame = lacking(config, suite)
    except BenchError as error:
        return [f"{suite}: {error}"]
    groups = frame.groupby(["suite", "algorithm", "sharing", "reason"], sort=False)["seed"]
    return [
        f"{suite}, {key[1]} × {key[2]}, seeds {', '.join(map(str, seeds))}: {key[3]}"
        for key, seeds in groups
        if key[:3] not in named
    ]


def about(config: Config, suite: str) -> dict[str, Any]:
    """A suite's domain, tasks, sizes and training settings."""
    tasks, training = jobs.suite_tasks(suite), config.of(suite).training
    return {
        "domain": envs.SUITES[suite].domain,
        "tasks": tasks,
        "transitions": sum(config.size(suite, task) for task in tasks),
        "training": training,
        "unit": unit(suite),
    }


def glance(config: Config) -> list[tuple[str, list[dict[str, str]]]]:
    """Each method's average over tasks ×100 with its interval on every suite, from tables/."""
    found = {suite: _averages(config, suite) for suite in config.suites}
    names = list(dict.fromkeys(name for cells in found.values() for name in cells))
    return [(name, [found[suite].get(name, {}) for suite in config.suites]) for name in names]


def _averages(config: Config, suite: str) -> dict[str, dict[str, Any]]:
    try:
        frame = read_csv(paths.table(config, "", "csv", suite))
        rows = frame[(frame["task"] == AVERAGE) & (frame["n"] > 0)]
        return {
            f"{row.algorithm} × {label(config, row.sharing)}": {
                "mean": f"{100 * row.mean:z.1f}",
                "interval": f"[{100 * row.low:z.1f}, {100 * row.high:z.1f}]" if row.n > 1 else "",
                "n": row.n,
                "bold": bool(row.bold),
            }
            for row in rows.itertuples()
        }
    except (BenchError, KeyError, AttributeError, TypeError):
        return {}


def _of_suites(config: Config, items: list[contents.Item]) -> dict[str, list[contents.Item]]:
    return {suite: [item for item in items if item.suite == suite] for suite in config.suites}


def _overall(items: list[contents.Item]) -> dict[str, list[contents.Item]]:
    """The items about all suites by name. A table and a figure with the same name are together."""
    groups: dict[str, list[contents.Item]] = {}
    for item in items:
        groups.setdefault(item.product.name, []).append(item)
    return groups
