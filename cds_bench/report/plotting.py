"""The style of all figures, and how they are written. Equal data give equal bytes."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import envs
from cds_bench.storage import files
from envs.specs import Floor

WIDTH = 7.2  # inches, the width of a page's text
DPI = 150
MAP = 0.9  # the side of a small map, as a part of its row in a matrix
ACROSS = 4  # at most this many panels are side by side
# Okabe and Ito's colours, which colour-blind readers can tell apart, without the yellow, which is
# hard to see on paper. The last three are ours, so that the nine strategies that are shown most
# often beside cds have their own colours.
COLOURS = (
    "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5E3C99", "#7F7F7F",
    "#8C510A",
)  # fmt: skip
DASHES = ((0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)), (0, (8, 2)))
MARKERS = ("s", "^", "D", "v", "P", "X", "*", "p")
BLACK = {"color": "#000000", "linestyle": "-", "marker": "o"}
# The names that have places in the cycles. Every other name gets one by its hash. So a strategy
# looks the same in every figure and profile.
KNOWN = (
    "no_sharing", "sharing_all", "hipi", "cds_basic", "cds_k90", "oracle", "skill_sharing",
    "random_tenth", "uds", "cds_uds", "cds_advantage", "cds_basic_k90", "sharing_all_balanced",
    "no_sharing_half",
)  # fmt: skip
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


def styles(names: list[str]) -> dict[str, dict]:
    """Colour, line and marker of each strategy. cds is black and solid.

    The look depends on the name alone. The first 360 places of the cycles all look different,
    because the cycles' lengths have no common divisor.
    """
    return {name: BLACK if name == "cds" else _look(_place(name)) for name in names}


def in_turn(names: list[str]) -> dict[str, dict]:
    """Colour, line and marker of names that are not strategies, by their order."""
    return {name: _look(place) for place, name in enumerate(names)}


def _place(name: str) -> int:
    if name in KNOWN:
        return KNOWN.index(name)
    free = len(COLOURS) * len(DASHES) * len(MARKERS) - len(KNOWN)
    return len(KNOWN) + crc32(name.encode()) % free


def _look(place: int) -> dict:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """An empty figure on the Agg canvas, which needs no display. Sizes are in inches."""
    made = Figure(figsize=(width, height), layout=layout, dpi=DPI)
    FigureCanvasAgg(made)
    return made


def style():
    """The context in which figures must be made and written."""
    return rc_context(STYLE)


def save_as(made: Figure, place: Callable[[str], Path], description: str) -> None:
    """Writes `place(extension)` as png and svg, without dates and with fixed element names.

    description: goes into the files' metadata. It says where a figure comes from without text on
        the figure that would repeat on every figure of a page.
    """
    made.draw_without_rendering()  # the first layout does not know how wide the labels are
    for extension, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        metadata["Description"] = description
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


def floor_plan(axes, floor: Floor, star: float = 9, others: bool = True) -> None:
    """Draws a maze from above: its walls, this task's goal as a star, and the others as dots.

    star: the size of the star in points.
    """
    half = floor.side / 2
    for x, y in floor.walls:
        axes.add_patch(Rectangle((x - half, y - half), 2 * half, 2 * half, color="#d0d0d0", lw=0))
    for goal in floor.goals if others else (floor.goal,):
        own = goal == floor.goal
        look = {"marker": "*" if own else "o", "ms": star if own else 4}
        axes.plot(*goal, color="#D55E00", mec="white", mew=0.5, ls="", zorder=4, **look)
    axes.set_aspect("equal")


def task_title(axes, task: str, prefix: str = "") -> None:
    """Names a panel after its task: by a small map with the goal in a maze, else by its name."""
    floor = envs.TASKS[task].floor
    if floor is None:
        axes.set_title(f"{prefix}{task}")
        return
    axes.set_title(f"{prefix}goal", y=1.05, pad=0)  # with y, the map does not push it up
    _small_map(axes, (0.63, 1.01, 0.2, 0.2), floor, star=6)


def _small_map(axes, bounds: tuple[float, ...], floor: Floor, star: float) -> None:
    """Draws a task's maze beside a panel. bounds: x, y, width, height as parts of the panel."""
    small = axes.inset_axes(bounds, zorder=5)
    floor_plan(small, floor, star, others=False)
    small.autoscale_view()
    small.set_axis_off()


def in_maze(tasks: tuple[str, ...]) -> bool:
    """Whether all tasks are goals in a maze, so that maps can stand for their names."""
    return all(envs.TASKS[task].floor for task in tasks)


def tick_room(tasks: tuple[str, ...], side: float) -> tuple[float, float]:
    """The inches left of and below a square panel with this side that its `task_ticks` need."""
    if in_maze(tasks):
        return (MAP * side / len(tasks) + 0.05,) * 2
    width = 0.065 * max(map(len, tasks))
    return width, 0.7 * width  # names below are slanted


def task_ticks(axes, tasks: tuple[str, ...], left: bool, bottom: bool) -> None:
    """Names the rows and columns of a matrix after tasks: by small maps in a maze, else by names.

    Call it when the panel has its place in the figure.
    """
    axes.tick_params(length=0)
    drawn = in_maze(tasks)
    for axis, shown in ((axes.xaxis, bottom), (axes.yaxis, left)):
        axis.set_ticks(range(len(tasks)), tasks if shown and not drawn else [""] * len(tasks))
    for text in axes.get_xticklabels():
        text.set(rotation=45, ha="right", rotation_mode="anchor")
    if not drawn:
        return
    step = 1 / len(tasks)
    side = MAP * step
    for place, task in enumerate(tasks):
        middle = (place + 0.5) * step
        corners = [(middle - side / 2, -side - 0.03)] * bottom
        corners += [(-side - 0.03, 1 - middle - side / 2)] * left
        for corner in corners:
            _small_map(axes, (*corner, side, side), envs.TASKS[task].floor, star=5)
    inches = side * axes.bbox.width / axes.figure.dpi
    axes.xaxis.labelpad = axes.yaxis.labelpad = 72 * inches + 4


def said_missing(axes, text: str) -> None:
    """Writes the reason why a panel is empty into it."""
    place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
    axes.text(0.5, 0.5, text, color=GREY, style="italic", **place)
