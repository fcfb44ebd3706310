"""How much there is to share in a suite: a table and a figure, from its pool alone."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.dataset.headroom import headroom
from cds_bench.dataset.pool import load_pool
from cds_bench.report import plotting
from cds_bench.report.heatmaps import matrix, panels
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.storage import paths

PANELS = {"above_mean": "above\nthe mean", "above_high": "above the\n90th percentile"}


def room(config: Config, suite: str) -> Made:
    """Headroom of the suite's pool at the discount of the suite's first algorithm."""
    discount = jobs.discount(config, suite)
    frame = headroom(load_pool(paths.pool(config, suite)), discount)
    return Made(frame, table(frame), figure(frame))


def table(frame: pd.DataFrame) -> Table:
    """A row per target and source. Shares are in percent."""
    rows, rules = [], []
    for target, part in frame.groupby("target", sort=False):
        rules += [len(rows)] if rows else []
        names = [target] + [""] * (len(part) - 1)
        rows += [(name, _cells(row)) for name, row in zip(names, part.itertuples(), strict=True)]
    columns = ("source", "transitions", "mean", "own mean", "% above mean", "% above 90th")
    return Table(
        title=f"Headroom in {frame['suite'].iloc[0]}",
        label="target",
        blocks=(Block("", columns, tuple(rows), tuple(rules), left=1),),
        caption=(_caption(frame),),
    )


def _cells(row) -> tuple[Cell, ...]:
    numbers = (f"{row.mean:.4g}", f"{row.own_mean:.4g}")
    shares = (f"{100 * share:.1f}" for share in (row.above_mean, row.above_high))
    texts = (row.source, f"{row.transitions:,}", *numbers, *shares)
    return tuple(map(Cell, texts))


def _caption(frame: pd.DataFrame) -> str:
    return (
        "The shares are of a source's transitions whose return-to-go under the target's reward is "
        "above the mean, or above the 90th percentile, of the target's own data. Returns-to-go are "
        f"Monte Carlo returns at a discount of {frame['discount'].iloc[0]:g}, from the data alone."
    )


def figure(frame: pd.DataFrame) -> Figure:
    """The shares above the mean and above the 90th percentile, as target x source."""
    tasks = tuple(dict.fromkeys(frame["target"]))
    made, ((*row,),), scale = panels(tasks, 1, len(PANELS))
    for place, (axes, (column, name)) in enumerate(zip(row, PANELS.items(), strict=True)):
        image = matrix(axes, shares(frame, column), tasks, place == 0, True)
        axes.set_title(name)
        axes.set_xlabel("source task")
    row[0].set_ylabel("target task")
    bar = made.colorbar(image, cax=scale)
    bar.set_label("share (no unit)")
    bar.outline.set_linewidth(0.5)
    plotting.title(made, f"Headroom in {frame['suite'].iloc[0]}", _caption(frame))
    return made


def shares(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as an array [target, source]. It is NaN on the diagonal."""
    tasks = list(dict.fromkeys(frame["target"]))
    square = frame.pivot(index="target", columns="source", values=column)
    return square.reindex(index=tasks, columns=tasks).to_numpy(float)
