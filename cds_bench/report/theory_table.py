"""The table of the simulation: `paper_table_theory`."""

import numpy as np
import pandas as pd

from cds_bench.config import Config
from cds_bench.report.making import Made
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.report.theory_figure import figure, named
from cds_bench.statistics.theory_claims import read_theory
from cds_bench.theory.claims import routed, safe, summarise

COLUMNS = (
    "below, %", "unsafe, %", "shortfall, %", "improvement, %", "effective data",
    "behaviour gap, %", "scarcity", "divergence", "zeta", "holds, %", "gain corr.", "distance",
)  # fmt: skip


def exact(config: Config) -> Made:
    """The summary by alpha, data size and strategy, its table, and the figure."""
    frame = read_theory(config)
    return Made(summarise(frame), table(frame), figure(frame))


def table(frame: pd.DataFrame) -> Table:
    """A block per alpha and data size, a row per strategy, from `simulate`'s frame."""
    blocks = []
    for (alpha, size), rows in summarise(frame).groupby(["alpha", "transitions"], sort=False):
        lines = tuple((named(row.strategy), cells(row)) for row in rows.itertuples())
        blocks.append(Block(f"alpha {alpha:g}, {size} transitions per task", COLUMNS, lines))
    return Table(
        title="Safe policy improvement on random MDPs, computed exactly",
        label="strategy",
        blocks=tuple(blocks),
        caption=(
            f'The table covers {frame["mdp"].nunique()} random multi-task MDPs. "Below" is the '
            "share of MDPs in which the policy is truly worse than the behaviour policy of the "
            'target\'s own data, with the 95 % Wilson interval. It is "unsafe" if it is worse by '
            "more than 1 % of the optimal value. The shortfall is the mean loss of the policies "
            "that are worse. The improvement is the mean gap to the behaviour policy, and the "
            "behaviour gap that of the effective behaviour policy. These three are in per cent of "
            "the optimal value.",
            "Scarcity (E sqrt(|A| / n)), divergence (E D_CQL from the effective behaviour policy) "
            'and zeta are terms of the bound J(policy) >= J(behaviour) - zeta, which "holds" in '
            "the given share of MDPs. The gain correlation is the rank correlation of the weights "
            "with the true gain from sharing only that pair. The distance is the mean distance of "
            "the weights from those that minimise zeta.",
            safe(frame)[1],
            routed(frame)[1],
        ),
    )


def cells(row) -> tuple[Cell, ...]:
    interval = f"[{100 * row.low:.1f}, {100 * row.high:.1f}]"
    return (
        Cell(number(100 * row.below, 1), (interval,)),
        Cell(number(100 * row.unsafe, 1)),
        Cell(number(row.shortfall, 1)),
        Cell(number(row.improvement, 1)),
        Cell(number(row.effective_data, 0)),
        Cell(number(row.effective_gap, 1)),
        Cell(number(row.scarcity, 2)),
        Cell(number(row.divergence, 3)),
        Cell(number(row.zeta, 2)),
        Cell(number(100 * row.holds, 1)),
        Cell(number(row.gain_correlation, 2)),
        Cell(number(row.optimal_distance, 2)),
    )


def number(value: float, digits: int) -> str:
    return MISSING if np.isnan(value) else f"{value:z.{digits}f}"
