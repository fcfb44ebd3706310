"""Distribution shift and score side by side: the paper's explanation of why sharing can hurt."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import label, percent, protocol
from cds_bench.report.making import Made
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.statistics.headline import AVERAGE
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.shift import KL, OVERESTIMATION, SCORE, read_shift, summarise
from cds_bench.storage import paths

TITLES = {
    KL: "D_KL(policy ‖ behaviour of its effective data), nats",
    OVERESTIMATION: "Q at initial states − discounted return",
    SCORE: "score ×100",
}
ACROSS = 3  # panels side by side; their labels need room
UNITS = {KL: 1.0, OVERESTIMATION: 1.0, SCORE: 100.0}


def distribution_shift(config: Config) -> Made:
    summary = summarise(config, read_shift(config), read_scores(paths.scores(config)))
    return Made(summary, table(config, summary), figure(config, summary))


def table(config: Config, summary: pd.DataFrame) -> Table:
    return Table(
        title="Distribution shift and score",
        label="suite, task",
        blocks=blocks(config, summary),
        caption=(
            "The KL divergence says how far each policy moved from the data that it was trained "
            "on. It goes from the policy to a behaviour model of the same form, which is fitted by "
            "weighted maximum likelihood to the task's effective data "
            f"({fitted(config, config.suites)} steps), and is taken over states of that data. Both "
            "are tanh-Gaussians, so the divergence is exact for each state. Q is the least of "
            "the critics' values, in the algorithm's units of reward; for a conservative critic "
            "the difference is meant to be negative. The score is the normalised return or the "
            "success rate.",
        ),
        protocol=protocol(config),
    )


def fitted(config: Config, suites: Iterable[str]) -> str:
    """The steps in which the behaviour models of suites are fitted: "500" or "500 or 2000"."""
    return " or ".join(map(str, sorted({config.of(s).training.shift_steps for s in suites})))


def blocks(config: Config, summary: pd.DataFrame) -> tuple[Block, ...]:
    """A block per algorithm and measure. Rows are the tasks of each suite and their average."""
    found = []
    for algorithm, part in summary.groupby("algorithm", sort=False):
        for measure, rows in part.groupby("measure", sort=False):
            lines, rules = [], []
            for suite, of_suite in rows.groupby("suite", sort=False):
                rules += [len(lines)] if lines else []
                lines += [
                    (f"{suite}, {task}", tuple(_cell(row, measure) for row in cells.itertuples()))
                    for task, cells in of_suite.groupby("task", sort=False)
                ]
            columns = tuple(label(config, name) for name in config.strategies(algorithm))
            title = f"{algorithm}: {TITLES[measure]}"
            found.append(Block(title, columns, tuple(lines), tuple(rules)))
    return tuple(found)


def _cell(row, measure: str) -> Cell:
    if row.n == 0:
        return Cell(MISSING)
    digits = ".3g" if measure == KL else ".1f"
    mean, low, high = (f"{UNITS[measure] * x:{digits}}" for x in (row.mean, row.low, row.high))
    return Cell(mean, () if np.isnan(row.low) else (f"[{low}, {high}]",))


def figure(config: Config, summary: pd.DataFrame) -> Figure:
    """Score against shift: a panel per algorithm and suite, a labelled point per strategy.

    A point is the mean over tasks and seeds, with both intervals. An algorithm with a single
    strategy has no panel, because there is nothing to compare.
    """
    cells = [(algorithm, suite) for algorithm in config.algorithms for suite in config.suites]
    cells = [cell for cell in cells if len(_points(summary, *cell)) > 1] or cells[:1]
    across = min(len(cells), ACROSS)
    down = -(-len(cells) // across)
    made = plotting.figure(plotting.WIDTH, 1.0 + 2.1 * down)
    grid = made.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(cells) :]:
        axes.set_visible(False)
    for axes, cell in zip(grid.flat, cells, strict=False):
        _panel(config, axes, _points(summary, *cell))
        named = cell if len({algorithm for algorithm, _ in cells}) > 1 else cell[1:]
        axes.set_title("\n".join(named), fontsize=7.5)
    for axes in grid[:, 0]:
        axes.set_ylabel("score ×100")
    for column in range(across):
        grid[(len(cells) - 1 - column) // across, column].set_xlabel("D_KL, nats")
    plotting.title(
        made,
        "Score against distribution shift",
        "The distribution shift is D_KL(policy ‖ behaviour of its effective data). Each point is a "
        f"strategy: the mean over tasks and n = {config.seeds} seeds, with {percent(config)} "
        "Student-t intervals, which are cut where they leave the panel.",
    )
    return made


def _points(summary: pd.DataFrame, algorithm: str, suite: str) -> pd.DataFrame:
    """A row per strategy: mean, low and high of shift and score, averaged over tasks."""
    rows = summary[
        (summary["algorithm"] == algorithm)
        & (summary["suite"] == suite)
        & (summary["task"] == AVERAGE)
        & summary["measure"].isin([KL, SCORE])
    ]
    wide = rows.pivot(index="sharing", columns="measure", values=["mean", "low", "high"])
    if wide.empty:
        return wide
    wide = wide.dropna(subset=[("mean", KL), ("mean", SCORE)])
    return wide[wide["mean", KL] > 0]  # the axis is logarithmic


def _panel(config: Config, axes, points: pd.DataFrame) -> None:
    if points.empty:
        plotting.said_missing(axes, "missing")
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    means = points["mean"]
    low, high = means[KL].min(), means[KL].max()
    room = max(2.0, math.sqrt(10.0 * low / high))  # at least a decade, so that there are ticks
    axes.set_xlim(low / room, high * room)
    low, high = 100 * means[SCORE].min(), 100 * means[SCORE].max()
    room = 0.15 * max(high - low, 10)
    axes.set_ylim(low - room, high + room)
    for sharing, look in plotting.styles(list(points.index)).items():
        row = points.loc[sharing]
        x, y = row["mean", KL], 100 * row["mean", SCORE]
        axes.plot([row["low", KL], row["high", KL]], [y, y], color=look["color"], lw=0.8, alpha=0.4)
        ends = [100 * row["low", SCORE], 100 * row["high", SCORE]]
        axes.plot([x, x], ends, color=look["color"], lw=0.8, alpha=0.4)
        axes.plot(x, y, color=look["color"], marker=look["marker"], ms=4.5, zorder=3)
    _name_points(config, axes, means)


def _name_points(config: Config, axes, means: pd.DataFrame) -> None:
    """Writes each strategy's name to the right of the panel, in the order of the scores."""
    bottom, top = axes.get_ylim()
    ordered = means.sort_values(SCORE, kind="stable")
    heights = spread([(100 * y - bottom) / (top - bottom) for y in ordered[SCORE]])
    for (sharing, row), height in zip(ordered.iterrows(), heights, strict=True):
        colour = plotting.styles([sharing])[sharing]["color"]
        axes.annotate(
            label(config, sharing), (row[KL], 100 * row[SCORE]), (1.04, height),
            textcoords="axes fraction", fontsize=6, va="center", color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.4, "alpha": 0.6},
        )  # fmt: skip


def spread(heights: list[float], gap: float = 0.085) -> list[float]:
    """Sorted heights on [0, 1], moved so that neighbours are `gap` apart, as little as possible.

    Each label starts at least `gap` above the one below it. Labels that reach beyond the top are
    then pushed down.
    """
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + gap) if found else height)
    limit = max(1.0, gap * (len(found) - 1))
    for place in range(len(found) - 1, -1, -1):
        found[place] = min(found[place], limit)
        limit = found[place] - gap
    return found
