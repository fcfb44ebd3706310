"""The figure of the simulation: safety, the bound's trade-off, and the weights, by alpha."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cds_bench.report import plotting
from cds_bench.theory.claims import summarise
from cds_bench.theory.simulate import BINS, CLONE, OPTIMAL, REFERENCES

SHOWN = (
    "no_sharing", "sharing_all", "cds_basic", "cds_basic_k90", "cds", "cds_k90", "oracle", OPTIMAL,
)  # fmt: skip
OPTIMUM = {"color": "#8C510A", "linestyle": ":", "marker": "*"}  # no strategy shown has this colour
HEIGHT = 2.3  # inches per row of panels


def named(strategy: str) -> str:
    return f"{strategy} (reference)" if strategy in REFERENCES else strategy


def figure(frame: pd.DataFrame) -> Figure:
    """A row of panels per alpha, from `simulate`'s frame; call it in a `plotting.style` context."""
    summary = summarise(frame)
    alphas = sorted(frame["alpha"].unique())
    looks = plotting.styles(list(SHOWN)) | {OPTIMAL: OPTIMUM}
    made = plotting.figure(plotting.WIDTH, HEIGHT * len(alphas) + 1.1)
    grid = made.subplots(len(alphas), 3, squeeze=False)
    for alpha, (left, middle, right) in zip(alphas, grid, strict=True):
        rows = summary[summary["alpha"] == alpha]
        draw_safety(left, rows, looks)
        draw_trade_off(middle, rows, looks)
        draw_weights(right, frame[frame["alpha"] == alpha], looks)
        left.set_title(f"alpha {alpha:g}: safety")
        middle.set_title("the bound's trade-off")
        right.set_title("weights")
    handles, _ = grid[0, 0].get_legend_handles_labels()
    made.legend(handles, [named(name) for name in SHOWN], loc="outside lower center", ncols=4)
    plotting.title(
        made,
        "The paper's theory on random MDPs",
        "The left panels show how often a policy is worse than the behaviour policy of the "
        "target's data (95 % Wilson intervals), and the middle panels show the scarcity of the "
        "data against the divergence from them, with one point per data size and the largest on "
        "the left. The right panels show mean weights by fifths of cds's Delta at the largest data "
        "size, over pairs whose weight matters to the bound "
        f"(n = {frame['mdp'].nunique()} MDPs).",
    )
    return made


def draw_safety(axes: Axes, rows: pd.DataFrame, looks: dict[str, dict]) -> None:
    sizes = sorted(rows["transitions"].unique())
    for place, (name, look) in enumerate(looks.items()):
        of = rows[rows["strategy"] == name]
        x = [at + 0.07 * (place - len(looks) / 2) for at in range(len(sizes))]  # side by side
        axes.plot(x, 100 * of["below"], label=name, lw=0.8, ms=3.2, **look)
        axes.vlines(x, 100 * of["low"], 100 * of["high"], look["color"], lw=0.7)
    clone = 100 * rows.loc[rows["strategy"] == CLONE, "below"]
    axes.plot(range(len(sizes)), clone, color=plotting.GREY, lw=0.8, zorder=1)
    axes.annotate(
        "clone", (len(sizes) - 1, clone.iloc[-1]), (0, 3), textcoords="offset points",
        color=plotting.GREY, ha="right", fontsize=7,
    )  # fmt: skip
    axes.set(xlabel="transitions per task", ylabel="MDPs below behaviour, %", ylim=(0, None))
    axes.set_xticks(range(len(sizes)), [f"{size:g}" for size in sizes])


def draw_trade_off(axes: Axes, rows: pd.DataFrame, looks: dict[str, dict]) -> None:
    for name, look in looks.items():
        of = rows[rows["strategy"] == name]
        axes.plot(of["scarcity"], of["divergence"], lw=0.8, ms=3.2, **look)
    axes.set(xlabel="scarcity, E sqrt(|A| / n)", ylabel="divergence, E D_CQL")
    axes.set(xlim=(0, None), ylim=(0, None))


def draw_weights(axes: Axes, frame: pd.DataFrame, looks: dict[str, dict]) -> None:
    columns = [f"weight_q{place + 1}" for place in range(BINS)]
    largest = frame[frame["transitions"] == frame["transitions"].max()]
    means = largest.groupby("strategy")[columns].mean()
    for name, look in looks.items():
        if name not in ("no_sharing", "sharing_all"):
            axes.plot(range(1, BINS + 1), means.loc[name], lw=1.1, ms=3.5, **look)
    axes.set(xlabel="fifth of Delta (5: highest)", ylabel="mean weight", ylim=(-0.03, 1.03))
    axes.set_xticks(range(1, BINS + 1))
