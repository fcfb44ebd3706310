"""Which task's data each task was trained on: the paper's first figure, over all suites."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import envs
from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.heatmaps import matrix, thirds
from cds_bench.report.making import Made
from cds_bench.report.render import Block, Cell, Table
from cds_bench.report.tables import label, provenance
from cds_bench.statistics.metrics import SHARE, read_metrics

COLUMNS = ["suite", "algorithm", "sharing", "target", "source", "share"]
Shares = dict[tuple[str, str], np.ndarray]  # suite, strategy -> [target, source]


def routing(config: Config) -> Made:
    """The effective shares of the last third of training, of the profile's first algorithm."""
    algorithm = next(iter(config.algorithms))
    shares = {
        (suite, sharing): thirds(
            read_metrics(config, suite, algorithm, sharing, (SHARE,)),
            SHARE,
            envs.SUITES[suite].tasks,
        )[-1]
        for suite in config.suites
        for sharing in config.strategies(algorithm)
    }
    frame = _frame(algorithm, shares)
    return Made(frame, table(config, algorithm, shares), figure(config, algorithm, shares))


def _frame(algorithm: str, shares: Shares) -> pd.DataFrame:
    rows = [
        (suite, algorithm, sharing, target, source, values[i, j])
        for (suite, sharing), values in shares.items()
        for i, target in enumerate(envs.SUITES[suite].tasks)
        for j, source in enumerate(envs.SUITES[suite].tasks)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def table(config: Config, algorithm: str, shares: Shares) -> Table:
    """A block per suite: rows are strategies and target tasks, columns source tasks."""
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
        caption=(_caption(config, algorithm), provenance(config)),
    )


def _cell(share: float) -> Cell:
    return Cell("–" if np.isnan(share) else f"{share:.2f}")


def _caption(config: Config, algorithm: str) -> str:
    return (
        f"The share of each source task's transitions in a target task's effective data with "
        f"{algorithm}, in the last third of training (rows sum to 1). Means over n = "
        f"{config.seeds} seeds."
    )


def figure(config: Config, algorithm: str, shares: Shares) -> Figure:
    """A row per suite and a panel per strategy: target x source."""
    strategies = config.strategies(algorithm)
    sizes = [len(envs.SUITES[suite].tasks) for suite in config.suites]
    side = max(1.0, 0.3 * max(sizes))
    made = plotting.figure(2.6 + (side + 0.2) * len(strategies), 1.0 + (side + 1.4) * len(sizes))
    grid = made.subplots(len(sizes), len(strategies), squeeze=False)
    for row, suite in enumerate(config.suites):
        for column, sharing in enumerate(strategies):
            axes, tasks = grid[row, column], envs.SUITES[suite].tasks
            image = matrix(axes, shares[suite, sharing], tasks, column == 0, True)
            axes.set_title(label(config, sharing) if row == 0 else "")
            axes.set_xlabel("source task")
        grid[row, 0].set_ylabel(f"{suite}\n\ntarget task")
    bar = made.colorbar(image, ax=grid, label="share (no unit)", shrink=0.5)
    bar.outline.set_linewidth(0.5)
    title = "Which data each task was trained on"
    plotting.title(made, title, f"{_caption(config, algorithm)} {provenance(config)}")
    return made
