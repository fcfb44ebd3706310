"""The probability of improvement, drawn as rliable does: a line per pair of methods."""

import pandas as pd
from matplotlib.figure import Figure

from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import percent
from cds_bench.report.making import Made
from cds_bench.report.plotting import GREY, WIDTH
from cds_bench.statistics.comparisons import COLUMNS
from cds_bench.statistics.headline import AVERAGE
from cds_bench.statistics.reading import check_columns, read_csv
from cds_bench.storage import paths


def improvement(config: Config, suite: str) -> Made:
    """The rows over all tasks in the suite's comparisons, as a figure."""
    path = paths.comparisons(config, suite)
    frame = read_csv(path)
    check_columns(frame, COLUMNS, str(path))
    return Made(figure=figure(config, suite, frame[frame["task"] == AVERAGE]))


def figure(config: Config, suite: str, frame: pd.DataFrame) -> Figure:
    """P(method > reference) with its interval: the method on the left, the reference on the right.

    frame: a row per pair, with the columns `improvement`, `improvement_low`, `improvement_high`.
    """
    rows = frame.reset_index(drop=True)
    several = len(config.algorithms) > 1 or rows["algorithm"].nunique() > 1
    looks = plotting.styles(list(dict.fromkeys(rows["sharing"])))
    made = plotting.figure(WIDTH * 0.8, 1.2 + 0.27 * max(len(rows), 1))
    axes = made.subplots()
    axes.axvline(0.5, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=0)
    for height, row in rows.iterrows():
        if row["n"] == 0:
            place = {"color": GREY, "style": "italic", "va": "center"}
            axes.text(0.02, height, "missing", **place)
            continue
        look = looks[row["sharing"]]
        ends = row["improvement_low"], row["improvement_high"]
        axes.plot(ends, [height] * 2, color=look["color"], lw=6, alpha=0.4, solid_capstyle="butt")
        axes.plot(row["improvement"], height, "|", color="black", ms=9, mew=1.5, zorder=3)
    names = [f"{a}, {s}" if several else s
             for a, s in zip(rows["algorithm"], rows["sharing"], strict=True)]  # fmt: skip
    axes.set_yticks(range(len(rows)), names)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(rows)), list(rows["reference"]))
    for side in (axes, right):
        side.tick_params(axis="y", length=0)
    right.spines["right"].set_visible(False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("P(left > right)")
    axes.grid(axis="x", color="#e6e6e6", lw=0.5)
    axes.set_axisbelow(True)
    plotting.title(
        made,
        f"Probability of improvement on {suite}",
        "Black marks show the probability that a run of the method on the left scores higher than "
        "a run of the method on the right, averaged over tasks (dashed: no difference). Bars are "
        f"{percent(config)} stratified bootstrap intervals over n = {_counted(rows)} seeds.",
    )
    return made


def _counted(rows: pd.DataFrame) -> str:
    counts = sorted(set(rows["n"])) or [0]
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
