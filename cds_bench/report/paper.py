"""The tables of a paper: scores on all suites, and distribution shift over data qualities."""

import pandas as pd

import envs
from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.report.captions import label, missing_notes, protocol, unit
from cds_bench.report.making import Made
from cds_bench.report.shift_table import blocks, fitted
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.report.tables import score_cell
from cds_bench.statistics.headline import Method
from cds_bench.statistics.schema import check_columns, read_csv, read_scores
from cds_bench.statistics.shift import OVERESTIMATION, read_shift, summarise
from cds_bench.statistics.summary import COLUMNS, IQM
from cds_bench.storage import paths


def main(config: Config) -> Made:
    """One table of all suites, made from the tables of the suites."""
    frame = pd.concat([_summary(config, suite) for suite in config.suites], ignore_index=True)
    return Made(frame, main_table(config, frame))


def vision(config: Config) -> Made:
    """The same table of the suites whose observations are pictures."""
    suites = [suite for suite in config.suites if jobs.seen_as_pictures(suite)]
    frame = pd.concat([_summary(config, suite) for suite in suites], ignore_index=True)
    return Made(frame, main_table(config, frame, "Scores on pictures"))


def _summary(config: Config, suite: str) -> pd.DataFrame:
    """A suite's table with its domain and without the IQM rows, which are not tested."""
    path = paths.table(config, "", "csv", suite)
    frame = read_csv(path)
    check_columns(frame, COLUMNS, str(path))
    frame = frame[frame["task"] != IQM].assign(note=frame["note"].astype("string").fillna(""))
    frame.insert(0, "domain", envs.SUITES[suite].domain)
    return frame


def main_table(config: Config, frame: pd.DataFrame, title: str = "Scores on all suites") -> Table:
    """A block per domain. Rows are tasks and averages of the suites, columns methods; x100."""
    methods = list(dict.fromkeys(zip(frame["algorithm"], frame["sharing"], strict=True)))
    columns = tuple(_column(config, method) for method in methods)
    found = []
    for domain, part in frame.groupby("domain", sort=False):
        lines, rules = [], []
        for suite, rows in part.groupby("suite", sort=False):
            rules += [len(lines)] if lines else []
            for task, group in rows.groupby("task", sort=False):
                cells = {
                    (row.algorithm, row.sharing): score_cell(row) for row in group.itertuples()
                }
                line = tuple(cells.get(method, Cell(MISSING)) for method in methods)
                lines.append((f"{suite}, {task}", line))
        found.append(Block(str(domain), columns, tuple(lines), tuple(rules)))
    suites = list(dict.fromkeys(frame["suite"]))
    units = {unit(suite): [] for suite in suites}
    for suite in suites:
        units[unit(suite)].append(suite)
    named = frame.assign(task=frame["suite"] + ", " + frame["task"])
    return Table(
        title=title,
        label="suite, task",
        blocks=tuple(found),
        caption=(
            " ".join(f"{', '.join(suites)}: {text}." for text, suites in units.items()),
            "Bold means the same as in each suite's table, which explains it.",
        ),
        protocol=protocol(config),
        notes=missing_notes(named),
    )


def _column(config: Config, method: Method) -> str:
    """The strategy's name. The algorithm is named too, unless it is the first one."""
    algorithm, sharing = method
    named = "" if algorithm == next(iter(config.algorithms)) else f"{algorithm}: "
    return f"{named}{label(config, sharing)}"


def shift(config: Config) -> Made:
    """Divergence and score on the suites that differ in the quality of their data."""
    suites = jobs.by_quality(config)
    scores = pd.concat([read_scores(paths.scores(config, suite)) for suite in suites])
    shifts = pd.concat([read_shift(config, suite) for suite in suites])
    summary = summarise(config, shifts, scores, suites)
    summary = summary[summary["measure"] != OVERESTIMATION]
    return Made(
        summary,
        Table(
            title="Distribution shift and score over the quality of the data",
            label="suite, task",
            blocks=blocks(config, summary),
            caption=(
                "The blocks give the normalised score and the KL divergence from each policy to a "
                "behaviour model of its effective data. The model is fitted in "
                f"{fitted(config, suites)} steps, and the divergence is taken over states of "
                "that data.",
            ),
            protocol=protocol(config),
        ),
    )
