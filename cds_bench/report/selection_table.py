"""What strategies select on a suite: the paper's first figure in numbers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

import envs
from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import label, percent, provenance
from cds_bench.report.making import Made
from cds_bench.report.plotting import ACROSS, GREY, WIDTH
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.statistics.selection import (
    AUC,
    FOREIGN,
    LIFT,
    SPEARMAN,
    deciles,
    over_training,
    read_selection,
    summarise,
)

TITLES = {
    AUC: "AUC of the weights for the top quarter of returns-to-go",
    SPEARMAN: "Spearman's correlation of weight and return-to-go",
    FOREIGN: "foreign share of the effective data",
    LIFT: "mean weight of the top decile ÷ mean weight of all candidates",
}
UNDEFINED = "–"
Lines = dict[str, pd.Series]  # strategy -> its line


def selection(config: Config, suite: str) -> Made:
    """The selection of each strategy, from the runs' metrics.csv."""
    frame = read_selection(config, suite)
    summary = summarise(config, suite, frame)
    return Made(summary, table(config, suite, summary), figure(config, suite, frame))


def table(config: Config, suite: str, summary: pd.DataFrame) -> Table:
    """A block per algorithm and measure. Rows are target tasks and their average."""
    blocks = []
    for (algorithm, measure), part in summary.groupby(["algorithm", "measure"], sort=False):
        rows = tuple(
            (str(task), tuple(map(_cell, cells.itertuples())))
            for task, cells in part.groupby("task", sort=False)
        )
        columns = tuple(label(config, name) for name in config.strategies(algorithm))
        rules = (len(rows) - 1,)
        blocks.append(Block(f"{algorithm}: {TITLES[measure]}", columns, rows, rules))
    return Table(
        title=f"What strategies select on {suite}",
        label="target task",
        blocks=tuple(blocks),
        caption=(*_caption(config), *_nothing(summary)),
        protocol=(provenance(config),),
        notes=_notes(config, summary),
    )


def _cell(row) -> Cell:
    if row.seeds == 0:
        return Cell(MISSING)
    if row.n == 0:
        return Cell(UNDEFINED)
    interval = "" if np.isnan(row.low) else f"[{row.low:z.2f}, {row.high:z.2f}]"
    counted = f"{row.n} of {row.seeds} seeds" if row.n < row.seeds else ""
    return Cell(f"{row.mean:z.2f}", tuple(part for part in (interval, counted) if part))


def _caption(config: Config) -> tuple[str, str]:
    return (
        "A target's candidates are the transitions of other tasks that were offered to it. The AUC "
        "is the probability that a candidate in the top quarter of returns-to-go under the "
        "target's reward has a higher weight than another candidate. Ties count as a half, and 0.5 "
        "is chance. The foreign share is the other tasks' part of the sum of weights that the "
        "target was trained on.",
        "Values are means over the log points of the last half of training, and then over n = "
        f"{config.seeds} seed{'s' if config.seeds > 1 else ''} unless a cell says otherwise. "
        f"Brackets contain the {percent(config)} Student-t interval over seeds. Deciles and "
        "quarters follow average ranks, so equal returns stay together. The average is over the "
        f"targets, for the seeds that have all of them. {UNDEFINED} means undefined: no candidates "
        "were offered, or all weights or all returns were equal.",
    )


def _nothing(summary: pd.DataFrame) -> tuple[str, ...]:
    """A sentence for the case that no trained strategy was offered any candidates."""
    trained = summary[summary["seeds"] > 0]
    offered = trained.loc[trained["measure"] != FOREIGN, "n"].sum()
    if trained.empty or offered:
        return ()
    return ("No trained strategy was offered any candidates, so nothing was selected.",)


def _notes(config: Config, summary: pd.DataFrame) -> tuple[str, ...]:
    methods = summary.drop_duplicates(["algorithm", "sharing"])
    return tuple(
        f"{row.algorithm}, {row.sharing}: {row.seeds} of {config.seeds} seeds"
        for row in methods.itertuples()
        if row.seeds < config.seeds
    )


def figure(config: Config, suite: str, frame: pd.DataFrame) -> Figure:
    """For each algorithm and target, a panel of weights by decile and one of AUC over training."""
    tasks = envs.SUITES[suite].tasks
    algorithms = _selecting(config, frame)
    across = min(len(tasks), ACROSS)
    down = -(-len(tasks) // across)
    rows = 2 * down * len(algorithms)
    made = plotting.figure(WIDTH, 1.25 + 1.6 * rows)
    grid = made.subplots(rows, across, sharey=True, squeeze=False)
    grid[0, 0].set_ylim(-0.03, 1.03)
    looks = plotting.styles(list(config.sharing))
    kinds = (
        ("mean weight", _weights_panel, deciles(frame)),
        ("AUC", _areas_panel, over_training(frame, AUC)),
    )
    blocks = iter(grid.reshape(-1, down * across))
    for algorithm in algorithms:
        several = f"{algorithm}, " if len(algorithms) > 1 else ""
        for quantity, draw, values in kinds:
            panels = next(blocks)
            for task, axes in zip(tasks, panels, strict=False):
                draw(axes, {name: _line(values, algorithm, name, task) for name in looks}, looks)
                plotting.task_title(axes, task, several)
            for axes in panels[len(tasks) :]:
                axes.set_visible(False)
            for axes in panels[::across]:
                axes.set_ylabel(quantity)
    _legend(config, made, frame, looks)
    plotting.title(
        made,
        f"What strategies select on {suite}",
        "The upper panels show the mean weight of a target's candidates from other tasks over the "
        "last half of training, by decile of their return-to-go under the target's reward (deciles "
        "that equal returns leave empty are omitted). The lower panels show the AUC of the weights "
        "for the top quarter of returns-to-go (dashed: chance); all values are means over "
        f"n = {config.seeds} seeds unless the legend says otherwise.",
    )
    return made


def _selecting(config: Config, frame: pd.DataFrame) -> list[str]:
    """The algorithms with a strategy that was offered candidates, or all algorithms if none has."""
    measured = set(frame.loc[frame["metric"] == AUC, "algorithm"])
    return [name for name in config.algorithms if name in measured] or list(config.algorithms)


def _line(values: pd.Series, *key: str) -> pd.Series:
    """The defined values of an algorithm, strategy and target, by decile or step."""
    return values[values.index.droplevel(-1) == key].droplevel([0, 1, 2]).dropna()


def _weights_panel(axes: Axes, lines: Lines, looks: dict[str, dict]) -> None:
    _lines(axes, lines, looks, ms=3.2)
    axes.set_xlim(0.6, 10.4)
    axes.set_xticks(range(1, 11, 3))
    axes.set_xlabel("decile of return-to-go")


def _areas_panel(axes: Axes, lines: Lines, looks: dict[str, dict]) -> None:
    axes.axhline(0.5, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=1)
    _lines(axes, lines, looks, marker="")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_xlabel("gradient steps")


def _lines(axes: Axes, lines: Lines, looks: dict[str, dict], **style) -> None:
    axes.grid(axis="y", color="#e6e6e6", lw=0.5)
    axes.set_axisbelow(True)
    if all(line.empty for line in lines.values()):
        plotting.said_missing(axes, "no candidates")
    for name, line in lines.items():
        axes.plot(line.index, line, lw=1.2, zorder=3, **(looks[name] | style))


def _legend(config: Config, made: Figure, frame: pd.DataFrame, looks: dict[str, dict]) -> None:
    """Lists the strategies that were offered candidates, with n if some seeds are missing."""
    offered = frame[frame["metric"] == AUC]
    handles = []
    for name, look in looks.items():
        groups = offered[offered["sharing"] == name].groupby("algorithm")["seed"].nunique()
        if groups.empty:
            continue
        label = name if groups.min() == config.seeds else f"{name} ({groups.min()} seeds)"
        handles.append(Line2D([], [], lw=1.3, ms=4, label=label, **look))
    if handles:
        made.legend(handles=handles, loc="outside lower center", ncols=5, handlelength=3)
