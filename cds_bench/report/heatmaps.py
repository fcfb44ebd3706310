"""What data sharing did: mean weights and effective shares of source tasks over training.

This is a quantitative version of the paper's first figure, which shows how transitions are routed
to tasks.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import envs
from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import label
from cds_bench.report.making import Made
from cds_bench.statistics.metrics import SHARE, WEIGHT, read_metrics

TITLES = {WEIGHT: "mean weight", SHARE: "effective share"}
THIRDS = ("first third", "middle third", "last third")
COLUMNS = (*((WEIGHT, third) for third in range(3)), (SHARE, 2))
COLOURS = "Blues"


def routes(config: Config, suite: str, algorithm: str) -> Made:
    """The data that each strategy of an algorithm trained on, from the runs' metrics.csv."""
    metrics = {
        name: read_metrics(config, suite, algorithm, name, TITLES)
        for name in config.strategies(algorithm)
    }
    return Made(figure=sharing(config, suite, algorithm, metrics))


def thirds(metrics: pd.DataFrame, metric: str, tasks: tuple[str, ...]) -> np.ndarray:
    """Means over seeds in each third of training, [3, target, source].

    Values are NaN where nothing is logged. Thirds are of the largest step, and a step on a boundary
    belongs to the earlier third.
    """
    rows = metrics[metrics["metric"] == metric]
    blank = np.full((3, len(tasks), len(tasks)), np.nan)
    if rows.empty:
        return blank
    third = np.clip(np.ceil(3 * rows["step"].astype(float) / rows["step"].max()) - 1, 0, 2)
    rows = rows.assign(third=third.astype(int))
    means = rows.groupby(["third", "target", "source"])["value"].mean()
    index = pd.MultiIndex.from_product([range(3), tasks, tasks])
    return means.reindex(index).to_numpy(float).reshape(blank.shape)


def sharing(config: Config, suite: str, algorithm: str, metrics: dict[str, pd.DataFrame]) -> Figure:
    """A row per strategy: mean weight in each third of training, then the final effective share.

    Strategies are rows, so the figure fits the page's width with any number of them.
    """
    tasks = envs.SUITES[suite].tasks
    made, grid, scale = panels(tasks, len(metrics), len(COLUMNS))
    for row, (name, frame) in enumerate(metrics.items()):
        values = {metric: thirds(frame, metric, tasks) for metric in (WEIGHT, SHARE)}
        bottom = row == len(metrics) - 1
        for column, (metric, third) in enumerate(COLUMNS):
            axes = grid[row][column]
            image = matrix(axes, values[metric][third], tasks, column == 0, bottom)
            if row == 0:
                axes.set_title(f"{TITLES[metric]}\n{THIRDS[third]}")
            if bottom:
                axes.set_xlabel("source task")
        seeds = int(frame["seed"].nunique())
        counted = "" if seeds == config.seeds else f"\n{seeds} of {config.seeds} seeds"
        grid[row][0].set_ylabel(f"{label(config, name)}{counted}\n\ntarget task")
    bar = made.colorbar(image, cax=scale)
    bar.set_label("weight, or share (no unit)")
    bar.outline.set_linewidth(0.5)
    plotting.title(
        made,
        f"What {algorithm} trained on in {suite}",
        "Panels show the mean weight of a source task's transitions for a target task in each "
        "third of training, and the source's share of the target's effective data (rows sum to "
        f"1). Values are means over n = {config.seeds} seeds unless a row says otherwise; grey "
        "means that nothing was logged.",
    )
    return made


def panels(
    tasks: tuple[str, ...], rows: int, columns: int
) -> tuple[Figure, list[list[Axes]], Axes]:
    """The figure, its axes by row and column, and the axes of the colour bar.

    They are placed by hand, in inches. Automatic layouts leave wide gaps between square panels with
    slanted labels.
    """
    side, gap = max(1.0, 0.3 * len(tasks)), 0.12
    beside, below = plotting.tick_room(tasks, side)
    left, right, top, bottom = 0.75 + beside, 0.75, 1.1, 0.35 + below
    width = left + columns * (side + gap) + right
    height = top + rows * (side + gap) + bottom
    made = plotting.figure(width, height, layout=None)

    def place(x: float, y: float, w: float, h: float) -> Axes:
        return made.add_axes((x / width, y / height, w / width, h / height))

    lines = [height - top - side - row * (side + gap) for row in range(rows)]
    grid = [
        [place(left + column * (side + gap), y, side, side) for column in range(columns)]
        for y in lines
    ]
    shown = min(rows, 3)
    long = shown * (side + gap) - gap
    return made, grid, place(width - right + 0.05, height - top - long, 0.12, long)


def matrix(axes, values: np.ndarray, tasks: tuple[str, ...], left: bool, bottom: bool):
    """One annotated [target, source] matrix on the colour scale 0 to 1."""
    axes.set_facecolor("#d0d0d0")
    image = axes.imshow(values, vmin=0, vmax=1, cmap=COLOURS, interpolation="nearest")
    plotting.task_ticks(axes, tasks, left, bottom)
    axes.spines[:].set(visible=True, color="#b0b0b0", linewidth=0.5)
    for target, source in np.ndindex(values.shape):
        value = values[target, source]
        colour = "white" if value > 0.6 else "black"
        place = {"ha": "center", "va": "center", "fontsize": 7}
        axes.text(source, target, _short(value), color=colour, **place)
    return image


def _short(value: float) -> str:
    """A number with two decimals in little space: 1, .43 or 0, and a dash for NaN."""
    if np.isnan(value):
        return "–"
    text = f"{value:.2f}"
    return text[:-3] if text.endswith(".00") else text.lstrip("0")
