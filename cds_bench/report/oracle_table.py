"""The table that shows what a perfect selection would gain on a suite."""

import numpy as np
import pandas as pd

from cds_bench.config import Config
from cds_bench.report.captions import (
    hundred,
    interval,
    label,
    missing_notes,
    p_value,
    protocol,
    unit,
)
from cds_bench.report.making import Made
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.statistics.gains import NO_SHARING, gains
from cds_bench.statistics.headline import AVERAGE
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.significance import smallest_p
from cds_bench.storage import paths


def oracle(config: Config, suite: str) -> Made:
    frame = gains(config, read_scores(paths.scores(config, suite)), suite)
    return Made(frame, table(config, suite, frame))


def table(config: Config, suite: str, frame: pd.DataFrame) -> Table:
    """The rows of `gains`, x100, in a block per algorithm and strategy."""
    columns = ("n", NO_SHARING, "with it", "difference", "interval", "p")
    blocks = [
        Block(
            f"{algorithm}: {label(config, sharing)}",
            columns,
            tuple((row.task, _cells(row)) for row in rows.itertuples()),
            rules=(len(rows) - 1,),
        )
        for (algorithm, sharing), rows in frame.groupby(["algorithm", "sharing"], sort=False)
    ] or [Block(f"no algorithm is trained with {NO_SHARING}", columns, ())]
    return Table(
        title=f"What a perfect selection would gain on {suite}",
        label="task",
        blocks=tuple(blocks),
        caption=(
            f"{unit(suite)}. Each block gives a strategy minus {NO_SHARING} with the same "
            f"algorithm, paired by training seed.",
            "A reference is not a method: it knows what no method can know, or it chooses blindly. "
            "p is from an exact two-sided sign-flip permutation test without correction; with "
            f"{config.seeds} seed{'s' if config.seeds > 1 else ''} it cannot be below "
            f"{smallest_p(config.seeds, config.protocol.resamples):.2g}. The {AVERAGE} is the mean "
            "over tasks, computed per seed for the seeds that have all tasks.",
        ),
        protocol=protocol(config),
        notes=missing_notes(frame),
    )


def _cells(row) -> tuple[Cell, ...]:
    if row.n == 0:
        return (Cell("0"), Cell(MISSING), Cell(MISSING), *[Cell("–")] * 3)
    return (
        Cell(str(row.n)),
        Cell(hundred(row.no_sharing)),
        Cell(hundred(row.mean)),
        Cell(hundred(row.difference, sign="+")),
        Cell("–" if np.isnan(row.low) else interval(row, sign="+")),
        Cell(p_value(row.p)),
    )
