"""The style of all figures, and how they are written. The same data give the same bytes."""

import textwrap
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cds_bench.storage import files

WIDTH = 7.2  # inches, the width of a page's text
DPI = 150
ACROSS = 4  # at most this many panels are side by side
# Okabe and Ito's colours, which colour-blind readers can tell apart, without the yellow, which is
# hard to see on paper. The last one is a dark violet [ours], so that seven strategies beside the
# reference have their own colours.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5E3C99")
DASHES = ((0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)), (0, (8, 2)))
MARKERS = ("s", "^", "D", "v", "P", "X", "*", "p")
REFERENCE = {"color": "#000000", "linestyle": "-", "marker": "o"}
GREY = "#8a8a8a"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "figure.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.unicode_minus": True,
    "svg.hashsalt": "cds-bench",
    "svg.fonttype": "path",
}


def styles(names: list[str], reference: str) -> dict[str, dict]:
    """Colour, line and marker of each name. The reference is black and solid.

    The others are styled in turn. The cycles' lengths have no common divisor, so no two of the
    first 280 names look the same.
    """
    others = [name for name in names if name != reference]
    looks = zip(others, cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False)
    found = {
        n: {"color": c, "linestyle": d, "marker": m} for n, c, d, m in islice(looks, len(others))
    }
    return {name: found.get(name, REFERENCE) for name in names}


def figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """An empty figure on the Agg canvas (no display, no global state), sizes in inches."""
    made = Figure(figsize=(width, height), layout=layout, dpi=DPI)
    FigureCanvasAgg(made)
    return made


def style():
    """The context in which figures have to be made and written."""
    return rc_context(STYLE)


def save_as(made: Figure, place: Callable[[str], Path]) -> None:
    """Writes `place(extension)` as png and svg, without dates and with fixed element names."""
    for extension, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        with files.atomic(place(extension)) as temporary:
            made.savefig(temporary, format=extension, metadata=metadata, facecolor="white")


def title(made: Figure, heading: str, text: str) -> None:
    """Draws a bold heading and, below it, the caption wrapped to the figure's width.

    The layout makes room for only one title. The caption therefore starts with an empty line, and
    the heading is drawn on that line.
    """
    lines = textwrap.wrap(text, int(made.get_figwidth() * 17.5))
    look = {"ha": "left", "va": "top", "fontsize": 7.5, "linespacing": 1.35}
    top = 1 - rcParams["figure.constrained_layout.h_pad"] / made.get_figheight()
    below = made.suptitle("\n".join([" ", *lines]), x=0.01, color="#333333", **look)
    if made.get_layout_engine() is None:
        below.set_y(top)
    made.text(0.01, top, heading, weight="bold", **look)


def said_missing(axes, text: str) -> None:
    """Writes into an empty panel why it is empty."""
    place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    axes.text(0.5, 0.5, text, color=GREY, style="italic", **place)
