"""Distribution shift and score side by side: the paper's explanation of why sharing can hurt."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import label, protocol, provenance
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
            f"({config.training.shift_steps} steps), and is taken over states of that data. Both "
            "are tanh-Gaussians, so the divergence is exact for each state. Q is the smaller of "
            "the two critics' values, in the algorithm's units of reward; for a conservative "
            "critic the difference is meant to be negative. The score is the normalised return or "
            "the success rate.",
        ),
        protocol=protocol(config),
    )


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
    """Score against shift, in a panel per algorithm with a point per suite, task and strategy."""
    algorithms = list(config.algorithms)
    made = plotting.figure(plotting.WIDTH, 3.6)
    panels = np.atleast_1d(made.subplots(1, len(algorithms), sharey=True))
    looks = plotting.styles(list(config.sharing), config.protocol.reference)
    for axes, algorithm in zip(panels, algorithms, strict=True):
        rows = summary[(summary["algorithm"] == algorithm) & (summary["task"] != AVERAGE)]
        wide = rows.pivot(index=["suite", "task", "sharing"], columns="measure", values="mean")
        for sharing, look in looks.items():
            points = wide[wide.index.get_level_values("sharing") == sharing].dropna()
            kept = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
            kept["label"] = label(config, sharing)
            axes.plot(points[KL], 100 * points[SCORE], alpha=0.85, **kept)
        axes.set_xscale("log")
        axes.set_xlabel("D_KL(policy ‖ behaviour), nats")
        axes.set_title(algorithm)
    panels[0].set_ylabel("score ×100")
    made.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    plotting.title(
        made,
        "Score against distribution shift",
        f"Each point is a strategy on one task of {', '.join(config.suites)}. Values are means "
        f"over n = {config.seeds} seeds. {provenance(config)}",
    )
    return made
