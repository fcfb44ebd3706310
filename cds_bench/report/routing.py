"""Which task's data each task was trained on: the paper's first figure, for all suites."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import envs
from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import label, provenance
from cds_bench.report.heatmaps import matrix, thirds
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics.metrics import SHARE, read_metrics

COLUMNS = ["suite", "algorithm", "sharing", "target", "source", "share"]
Shares = dict[tuple[str, str], np.ndarray]  # suite, strategy -> [target, source]


def routing(config: Config) -> Made:
    """Effective shares in the last third of training for the profile's first algorithm."""
    algorithm = next(iter(config.algorithms))
    metrics = {
        (suite, sharing): read_metrics(config, suite, algorithm, sharing, (SHARE,))
        for suite in config.suites
        for sharing in config.strategies(algorithm)
    }
    shares = {
        (suite, sharing): thirds(logged, SHARE, envs.SUITES[suite].tasks)[-1]
        for (suite, sharing), logged in metrics.items()
    }
    counts = {key: logged["seed"].nunique() for key, logged in metrics.items()}
    notes = tuple(
        f"{suite}, {sharing}: {count} of {config.seeds} seeds"
        for (suite, sharing), count in counts.items()
        if count < config.seeds
    )
    made = table(config, algorithm, shares, notes)
    return Made(_frame(algorithm, shares), made, figure(config, algorithm, shares))


def _frame(algorithm: str, shares: Shares) -> pd.DataFrame:
    rows = [
        (suite, algorithm, sharing, target, source, values[i, j])
        for (suite, sharing), values in shares.items()
        for i, target in enumerate(envs.SUITES[suite].tasks)
        for j, source in enumerate(envs.SUITES[suite].tasks)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def table(config: Config, algorithm: str, shares: Shares, notes: tuple[str, ...]) -> Table:
    """A block per suite. Rows are strategies and target tasks, columns are source tasks."""
    blocks = []
    for suite in config.suites:
        tasks, lines, rules = envs.SUITES[suite].tasks, [], []
        for sharing in config.strategies(algorithm):
            rules += [len(lines)] if lines else []
            values = shares[suite, sharing]
            lines += [
                (f"{label(config, sharing)}, {task}", tuple(map(_cell, row)))
                for task, row in zip(tasks, values, strict=True)
            ]
        blocks.append(Block(suite, tasks, tuple(lines), tuple(rules)))
    return Table(
        title="Effective data by source task",
        label="strategy, target task",
        blocks=tuple(blocks),
        caption=(_caption(config, algorithm),),
        protocol=(provenance(config),),
        notes=notes,
    )


def _cell(share: float) -> Cell:
    return Cell("–" if np.isnan(share) else f"{share:.2f}")


def _caption(config: Config, algorithm: str) -> str:
    return (
        "Each cell is the share of a source task's transitions in a target task's effective data "
        f"with {algorithm}, in the last third of training (rows sum to 1). Shares are means over "
        f"n = {config.seeds} seeds unless the table's notes say otherwise."
    )


def figure(config: Config, algorithm: str, shares: Shares) -> Figure:
    """A row per suite and a panel (target x source) per strategy, placed by hand in inches."""
    strategies = config.strategies(algorithm)
    tasks = {suite: envs.SUITES[suite].tasks for suite in config.suites}
    side, gap, right, top = 0.3 * max(3.5, *map(len, tasks.values())), 0.12, 0.8, 1.1
    rooms = {suite: plotting.tick_room(found, side) for suite, found in tasks.items()}
    left = 0.75 + max(beside for beside, _ in rooms.values())
    below = {suite: 0.5 + under for suite, (_, under) in rooms.items()}
    width = left + (side + gap) * len(strategies) + right
    height = top + side * len(tasks) + sum(below.values())
    made = plotting.figure(width, height, layout=None)

    def place(x: float, y: float, wide: float, high: float) -> Axes:
        return made.add_axes((x / width, y / height, wide / width, high / height))

    y = height - top
    for row, suite in enumerate(tasks):
        y -= side
        for column, sharing in enumerate(strategies):
            axes = place(left + column * (side + gap), y, side, side)
            image = matrix(axes, shares[suite, sharing], tasks[suite], column == 0, True)
            axes.set_title(label(config, sharing).replace(" (", "\n(") if row == 0 else "")
            axes.set_xlabel("source task" if row == len(tasks) - 1 else "")
            axes.set_ylabel("" if column else f"{suite}\n\ntarget task")
        y -= below[suite]
    bar = made.colorbar(image, cax=place(width - right + 0.05, height - top - side, 0.12, side))
    bar.set_label("share (no unit)")
    bar.outline.set_linewidth(0.5)
    plotting.title(made, "Which data each task was trained on", _caption(config, algorithm))
    return made
