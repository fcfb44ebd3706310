"""The table of the simulation: `paper_table_theory`."""

import numpy as np
import pandas as pd

from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.theory.claims import routed, safe, summarise
from cds_bench.theory.simulate import REFERENCES

MISSING = "–"
COLUMNS = (
    "below, %", "unsafe, %", "shortfall, %", "improvement, %", "effective data",
    "behaviour gap, %", "scarcity", "divergence", "zeta", "holds, %", "gain corr.", "distance",
)  # fmt: skip


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
            f"{frame['mdp'].nunique()} random multi-task MDPs. Below: the share of MDPs in which "
            "the policy is truly worse than the behaviour policy of the target's own data, with "
            "the 95 % Wilson interval. Unsafe: it is worse by more than 1 % of the optimal value. "
            "Shortfall: the mean loss where it is worse. Improvement: the mean gap. Behaviour gap: "
            "the mean gap of the effective behaviour policy. These three are in per cent of the "
            "optimal value.",
            "Scarcity (E sqrt(|A| / n)), divergence (E D_CQL from the effective behaviour policy) "
            "and zeta are terms of the bound J(policy) >= J(behaviour) - zeta. Holds: the share of "
            "MDPs in which the bound holds. Gain corr.: the rank correlation of the weights with "
            "the true gain from sharing only that pair. Distance: the mean distance of the weights "
            "from those that minimise zeta.",
            safe(frame)[1],
            routed(frame)[1],
        ),
    )


def named(strategy: str) -> str:
    return f"{strategy} (reference)" if strategy in REFERENCES else strategy


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
