"""The tables of a suite: the scores of all methods, and comparisons with the reference method."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.report.captions import (
    LABELS,
    by_success,
    hundred,
    interval,
    label,
    missing_notes,
    p_value,
    protocol,
    unit,
)
from cds_bench.report.making import Made
from cds_bench.report.table_formats import FAILED, MISSING, RUNNING, Block, Cell, Table
from cds_bench.statistics.comparisons import COLUMNS
from cds_bench.statistics.decisions import undecidable
from cds_bench.statistics.headline import AVERAGE
from cds_bench.statistics.schema import check_columns, read_csv, read_failures, read_scores
from cds_bench.statistics.significance import FEWEST, smallest_p
from cds_bench.statistics.summary import IQM, summarise
from cds_bench.storage import paths


def scores(config: Config, suite: str) -> Made:
    """A suite's scores. The csv holds the frame of `summarise`; other formats show it x100."""
    found = read_scores(paths.scores(config, suite))
    summary = summarise(config, found, suite, read_failures(config, suite))
    return Made(summary, suite_table(config, suite, summary))


def comparisons(config: Config, suite: str) -> Made:
    """The comparisons of a suite's methods with the reference method."""
    path = paths.comparisons(config, suite)
    rows = read_csv(path)
    check_columns(rows, COLUMNS, str(path))
    rows = rows.assign(note=rows["note"].astype("string").fillna(""))
    return Made(rows, comparison_table(config, suite, rows))


def suite_table(config: Config, suite: str, summary: pd.DataFrame) -> Table:
    """The frame of `summarise`, x100, in a block per algorithm. Rows are tasks, average and IQM."""
    names = [*envs.SUITES[suite].tasks, AVERAGE, IQM]
    blocks = []
    for algorithm, part in summary.groupby("algorithm", sort=False):
        rows = tuple(
            (LABELS.get(name, name), tuple(map(score_cell, group.itertuples())))
            for name, group in part.groupby("task", sort=False)
        )
        columns = tuple(label(config, name) for name in dict.fromkeys(part["sharing"]))
        blocks.append(Block(algorithm, columns, rows, rules=(names.index(AVERAGE),)))
    return Table(
        title=f"Scores on {suite}",
        label="task",
        blocks=tuple(blocks),
        caption=_suite_caption(config, suite),
        protocol=protocol(config),
        notes=missing_notes(summary),
    )


def score_cell(row) -> Cell:
    if row.n == 0:
        text = FAILED if row.failed else RUNNING if row.running else MISSING
        return Cell(text, (f"0 of {row.seeds} seeds",))
    counted = f"{row.n} of {row.seeds} seeds" if row.n < row.seeds else ""
    below = "below random" if row.mean < row.random else ""
    details = tuple(part for part in (interval(row), counted, below) if part)
    return Cell(hundred(row.mean), details, bold=bool(row.bold))


def comparison_table(config: Config, suite: str, rows: pd.DataFrame) -> Table:
    """Rows of `comparisons` for a suite, differences x100: a block per algorithm."""
    columns = ("method", "n", "difference", "interval", "p", "p (corr.)", "p (Welch)", "r", "d_z",
               "P(better)")  # fmt: skip
    blocks = [] if len(rows) else [Block("no other method", columns, (), left=1)]
    for algorithm, part in rows.groupby("algorithm", sort=False):
        lines, rules = [], []
        for name, group in part.groupby("task", sort=False):
            rules += [len(lines)] if lines else []
            lines += [
                (name if first else "", _comparison_cells(row))
                for first, row in zip(
                    [True] + [False] * len(group), group.itertuples(), strict=False
                )
            ]
        others = [name for name in dict.fromkeys(part["reference"]) if " x " in name]
        title = f"{algorithm} − {', '.join(others)}" if others else algorithm
        blocks.append(Block(title, columns, tuple(lines), tuple(rules), left=1))
    return Table(
        title=f"Differences from {config.protocol.reference} on {suite}",
        label="task",
        blocks=tuple(blocks),
        caption=_comparison_caption(config, rows),
        protocol=protocol(config),
        notes=missing_notes(rows),
    )


def _comparison_cells(row) -> tuple[Cell, ...]:
    head = (Cell(row.sharing), Cell(str(row.n)))
    if row.n == 0:
        return (*head, Cell(MISSING), *[Cell("–")] * 7)
    return (
        *head,
        Cell(hundred(row.difference, sign="+")),
        Cell(interval(row, sign="+") or "–"),
        Cell(p_value(row.p)),
        Cell(p_value(row.p_corrected)),
        Cell(p_value(row.p_welch)),
        Cell("–" if np.isnan(row.correlation) else f"{row.correlation:+.2f}"),
        Cell(_effect(row.effect_size)),
        Cell(f"{row.improvement:.2f}", _improvement_interval(row)),
    )


def _improvement_interval(row) -> tuple[str, ...]:
    low, high = row.improvement_low, row.improvement_high
    return () if np.isnan(low) else (f"[{low:.2f}, {high:.2f}]",)


def _effect(value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:+.2f}" if np.isfinite(value) else f"{'-' if value < 0 else '+'}∞"


def _suite_caption(config: Config, suite: str) -> tuple[str, ...]:
    alpha, n, references = 1 - config.protocol.confidence, config.seeds, bool(config.references)
    bold = (
        f"Nothing is bold, because that takes {FEWEST} seeds: fewer cannot tell methods apart."
        if n < FEWEST
        else "The best mean of a row is bold, and so is every method that a paired t-test over "
        f"seeds does not distinguish from it (p ≥ {alpha:.2g}, "
        f"{config.protocol.correction.capitalize()}-corrected over all pairs of the row). With few "
        "seeds, the test detects only large differences, so two bold methods need not be equal. "
        f"It assumes normal differences. An exact permutation test of {n} seeds can never give p "
        f"below {smallest_p(n, config.protocol.resamples):.2g}; the comparisons table has the "
        "exact p. The spread counts as one step of the success rate or more. A method with fewer "
        f"than {FEWEST} seeds in common with the best is neither tested nor bold."
    )
    rates = (
        "If all seeds have the same success rate, the interval is Wilson's interval of all their "
        "episodes, which it assumes to be independent."
    )
    return (
        f"{unit(suite)}, {suite} ({envs.SUITES[suite].domain}).",
        *([rates] * by_success(suite)),
        bold,
        "The average is the mean over tasks, computed per seed for the seeds that have all tasks. "
        "The IQM is the interquartile mean over tasks × seeds. Its stratified bootstrap draws "
        "seeds within each task, so it ignores that the tasks of a seed share a network. The IQM "
        "is not tested and therefore never bold.",
        *(["A reference is not a method: it is not tested and never bold."] * references),
    )


def _comparison_caption(config: Config, rows: pd.DataFrame) -> tuple[str, ...]:
    n, reference = config.seeds, config.protocol.reference
    externals = "".join(
        f" (for {algorithm}: minus the method that its heading names)"
        for algorithm in dict.fromkeys(rows["algorithm"][rows["reference"].str.contains(" x ")])
    )
    return (
        f"Each row gives a method minus {reference} with the same algorithm{externals}, paired by "
        "training seed, in normalised score ×100 (or success rate ×100 if that is the metric). n "
        "is the number of seeds that both have.",
        "p is from an exact two-sided sign-flip permutation test over all sign patterns (random "
        f"ones for more than 16 seeds). With {n} seed{'s' if n > 1 else ''}, it can't be below "
        f"{smallest_p(n, config.protocol.resamples):.2g}. "
        f"p (corr.) has {config.protocol.correction.capitalize()}'s correction within a task, over "
        "the methods of all algorithms. p (Welch) is from the t-test that does not pair, without "
        "correction. r is the correlation of both methods over "
        f"seeds{_typical(rows)}; pairing helps only if it is positive. d_z is the mean of the "
        "differences divided by their standard deviation, with Hedges' small-sample correction "
        "(– for n < 3). P(better) is the probability that a run of the method is above a run of "
        "the reference, averaged over tasks, with its stratified bootstrap interval; 0.5 means no "
        "difference. The average is the mean over tasks, computed per seed for the seeds that have "
        "all tasks.",
        *undecidable(config, int((rows["task"] == AVERAGE).sum()), "methods"),
        *_uncompared(config, rows),
    )


def _typical(rows: pd.DataFrame) -> str:
    """The mean correlation over the tasks' rows, in words."""
    found = rows.loc[rows["task"] != AVERAGE, "correlation"].mean()
    return "" if np.isnan(found) else f" ({found:+.2f} on average over tasks and methods)"


def _uncompared(config: Config, rows: pd.DataFrame) -> list[str]:
    """A sentence on the methods that the comparisons leave out, if there are any."""
    reference = config.protocol.reference
    compared = set(zip(rows["algorithm"], rows["sharing"], strict=True))
    left_out = [(a, s) for a, s in config.competing if s != reference and (a, s) not in compared]
    if not left_out:
        return []
    names = ", ".join(" x ".join(method) for method in left_out)
    return [f"Not compared, because their algorithm is not trained with {reference}: {names}."]
