"""Learning curves, aggregates and performance profiles of a suite."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, MaxNLocator

import envs
from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import by_success, label, percent
from cds_bench.report.making import Made
from cds_bench.report.plotting import ACROSS, GREY, WIDTH
from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import performance_profile
from cds_bench.statistics.curves import Curve, curve
from cds_bench.statistics.headline import AVERAGE, competing, headline, matrix, methods
from cds_bench.statistics.intervals import stratified_profile
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.summary import IQM, per_seed, summarise
from cds_bench.storage import paths

BAND_RESAMPLES = 2000  # enough for a band in a figure
LEGEND = {"loc": "outside lower center", "handlelength": 3, "columnspacing": 1.3}


def curves(config: Config, suite: str) -> Made:
    return Made(figure=learning_curves(config, _scores(config, suite), suite))


def averages(config: Config, suite: str) -> Made:
    return Made(figure=aggregates(config, _scores(config, suite), suite))


def performance_profiles(config: Config, suite: str) -> Made:
    return Made(figure=profiles(config, _scores(config, suite), suite))


def _scores(config: Config, suite: str) -> pd.DataFrame:
    return read_scores(paths.scores(config, suite))


def learning_curves(config: Config, scores: pd.DataFrame, suite: str) -> Figure:
    """A panel per algorithm and task: mean and interval over seeds, against gradient steps."""
    tasks = envs.SUITES[suite].tasks
    columns = methods(config, scores, suite)
    algorithms = list(dict.fromkeys(algorithm for algorithm, _ in columns))
    looks = plotting.styles(list(dict.fromkeys(s for _, s in columns)))
    across = min(len(tasks), ACROSS)
    down = -(-len(tasks) // across)
    made = plotting.figure(WIDTH, 1.15 + 1.9 * down * len(algorithms))
    grid = made.subplots(down * len(algorithms), across, sharex=True, squeeze=False)
    counts = []
    for place, algorithm in enumerate(algorithms):
        panels = grid[place * down : (place + 1) * down].ravel()
        for task, axes in zip(tasks, panels, strict=False):
            curves = {
                sharing: curve(config, scores, suite, task, (algorithm, sharing))
                for sharing in (s for a, s in columns if a == algorithm)
            }
            _curve_panel(config, axes, curves, looks)
            plotting.task_title(axes, task, "" if len(algorithms) == 1 else f"{algorithm}, ")
            counts += [found.n for found in curves.values()]
        _label_axes(panels, len(tasks), across, suite, last=algorithm == algorithms[-1])
    handles = _handles(config, looks)
    handles.append(Patch(color=GREY, alpha=0.25, lw=0, label="headline snapshots"))
    made.legend(handles=handles, **LEGEND, ncols=_columns(handles))
    dashed = (
        "Dashed lines mark 0 and 100 %"
        if by_success(suite)
        else "Dashed lines mark the random policy (0) and the expert (100)"
    )
    plotting.title(
        made,
        f"Learning curves on {suite}",
        f"Lines are means over {_seeds(config, counts)}, dots are the seeds, and bands are "
        f"{percent(config)} Student-t intervals over seeds, cut where they leave the panel. "
        f"{dashed}, and only snapshots that all of a method's seeds have are shown.",
    )
    return made


def _fitting(values: np.ndarray) -> tuple[float, float]:
    """Ends of an axis that holds 0 and all values, with a margin, and is at least 10 long."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    high = max(high, low + 10.0)
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def _handles(config: Config, looks: dict[str, dict]) -> list:
    """The legend's lines, one for each strategy."""
    return [
        Line2D([], [], lw=1.4, ms=4, label=label(config, name), **look)
        for name, look in looks.items()
    ]


def _curve_panel(config: Config, axes, curves: dict[str, Curve], looks: dict[str, dict]) -> None:
    for level in (0, 100):
        axes.axhline(level, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=1)
    longest = max((found.steps for found in curves.values()), key=len)
    if len(longest) == 0:
        plotting.said_missing(axes, "missing")
        return
    final = longest[-config.protocol.final_snapshots :]
    if len(final) > 1:
        axes.axvspan(final[0], final[-1], color=GREY, alpha=0.2, lw=0, zorder=0)
    early = len(longest) - len(final)  # the headline's snapshots are too close for markers
    for name, found in curves.items():
        if found.n == 0:
            continue
        look, main = looks[name], name == config.protocol.reference
        every = [*range(min(early, len(found.steps))), len(found.steps) - 1]
        line = {
            "lw": 1.7 if main else 1.1,
            "ms": 3.2,
            "markevery": every,
            "zorder": 4 if main else 3,
        }
        axes.plot(found.steps, 100 * found.mean, **line, **look)
        dots = {"color": look["color"], "alpha": 0.35, "ms": 1.6, "mew": 0, "zorder": 2.5}
        axes.plot(found.steps[every], 100 * found.values[:, every].T, "o", **dots)
        ends = 100 * found.low, 100 * found.high
        axes.fill_between(found.steps, *ends, color=look["color"], alpha=0.1, lw=0, zorder=2)
    reached = [100 * found.values.ravel() for found in curves.values() if found.n]
    axes.set_ylim(*_fitting(np.concatenate(reached)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="y", color="#e6e6e6", lw=0.5)
    axes.set_axisbelow(True)


def _columns(handles: list) -> int:
    """The number of columns of a legend that fits the page and fills its lines evenly."""
    longest = max(len(handle.get_label()) for handle in handles)
    most = max(1, min(6, int(WIDTH * 15 / (longest + 7))))  # 15 characters an inch, 7 a handle
    entries = len(handles)
    return -(-entries // -(-entries // most))


def _score(suite: str) -> str:
    return "success rate ×100" if by_success(suite) else "normalised score ×100"


def _label_axes(panels: np.ndarray, tasks: int, across: int, suite: str, last: bool) -> None:
    """Labels the left panels with the unit, and the last algorithm's lowest ones with steps."""
    for axes in panels[tasks:]:
        axes.set_visible(False)
    for axes in panels[:tasks:across]:
        axes.set_ylabel(_score(suite))
    for column in range(across if last else 0):
        lowest = panels[column:tasks:across][-1]
        lowest.tick_params(labelbottom=True)
        lowest.set_xlabel("gradient steps")


def _seeds(config: Config, counts: list[int]) -> str:
    """ "n = 3 seeds", or the range of n if cells are incomplete."""
    fewest, most = min(counts, default=0), max(counts, default=0)
    if fewest == config.seeds:
        return f"n = {config.seeds} seed{'s' if config.seeds > 1 else ''}"
    found = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return f"n = {found} of {config.seeds} seeds (the others are missing)"


def aggregates(config: Config, scores: pd.DataFrame, suite: str) -> Figure:
    """Two panels, the mean over tasks and the IQM over tasks x seeds, with a line per method."""
    columns = methods(config, scores, suite)
    looks = plotting.styles(list(dict.fromkeys(s for _, s in columns)))
    several = len({algorithm for algorithm, _ in columns}) > 1
    summary = summarise(config, scores, suite).set_index(["task", "algorithm", "sharing"])
    seeds = per_seed(config, scores, suite)
    made = plotting.figure(WIDTH, 1.15 + 0.27 * len(columns))
    panels = made.subplots(1, 2, sharex=True, sharey=True)
    titles = {AVERAGE: "mean over tasks", IQM: "interquartile mean over tasks × seeds"}
    for axes, (row, title) in zip(panels, titles.items(), strict=True):
        axes.axvline(0, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=0)
        for height, method in enumerate(columns):
            if row == AVERAGE:
                lower = np.full(config.seeds, height + 0.3)
                axes.plot(100 * seeds[method], lower, "o", ms=2, color=GREY, zorder=1)
            _interval(axes, height, summary.loc[(row, *method)], looks[method[1]])
        axes.set_title(title)
        axes.set_xlabel(_score(suite))
        axes.grid(axis="x", color="#e6e6e6", lw=0.5)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    names = [f"{a}, {label(config, s)}" if several else label(config, s) for a, s in columns]
    panels[0].set_yticks(range(len(columns)), names)
    panels[0].set_ylim(len(columns) - 0.4, -0.6)
    counts = [int(summary.loc[(AVERAGE, *method), "n"]) for method in columns]
    plotting.title(
        made,
        f"Aggregates on {suite}",
        f"Large dots are over {_seeds(config, counts)}, small dots are the seeds, and bars are "
        f"{percent(config)} intervals (mean: Student-t over seeds; interquartile mean: "
        "bootstrapped within each task). The dashed line marks "
        f"{'0' if by_success(suite) else 'the random policy'}.",
    )
    return made


def _interval(axes, height: int, cell: pd.Series, look: dict) -> None:
    colour = look["color"]
    if cell["n"] == 0:
        place = {"transform": axes.get_yaxis_transform(), "va": "center"}
        axes.text(0.02, height, "missing", color=GREY, style="italic", **place)
        return
    ends = 100 * np.array([cell["low"], cell["high"]])
    if np.isfinite(ends).all():
        axes.plot(ends, [height] * 2, color=colour, lw=3, alpha=0.45, solid_capstyle="butt")
    axes.plot(100 * cell["mean"], height, marker=look["marker"], ms=5, color=colour, zorder=3)


def profiles(config: Config, scores: pd.DataFrame, suite: str) -> Figure:
    """Performance profiles, the share of runs above each score, in a panel per algorithm.

    References are left out, because they are not methods.
    """
    found = methods(config, scores, suite)
    columns = [m for m, competes in zip(found, competing(config, found), strict=True) if competes]
    algorithms = list(dict.fromkeys(algorithm for algorithm, _ in columns))
    looks = plotting.styles(list(dict.fromkeys(s for _, s in columns)))
    headlines = headline(scores, config.protocol)
    values = {method: matrix(config, headlines, suite, method) for method in columns}
    complete = {m: found[~np.isnan(found).any(axis=1)] for m, found in values.items()}
    everything = np.concatenate([found.ravel() for found in complete.values()])
    low, high = (everything.min(), everything.max()) if everything.size else (0.0, 1.0)
    thresholds = np.linspace(min(low, 0.0) - 0.02, high + 0.02, 101)
    made = plotting.figure(WIDTH, 3.4)
    panels = np.atleast_1d(made.subplots(1, len(algorithms), sharex=True, sharey=True))
    protocol, banded = config.protocol, len(looks) <= len(plotting.COLOURS)
    bands = f"; bands are {percent(config)} percentile bootstrap intervals over each task's seeds"
    for axes, algorithm in zip(panels, algorithms, strict=True):
        for method in (m for m in columns if m[0] == algorithm and len(complete[m])):
            look, main = looks[method[1]], method[1] == protocol.reference
            shares = 100 * performance_profile(complete[method].ravel(), thresholds)
            line = {"lw": 1.7 if main else 1.1, "ms": 3.2, "markevery": 10}
            axes.plot(100 * thresholds, shares, **line, **look, zorder=4 if main else 3)
            if not banded:
                continue
            rng = stream("profile", suite, *method)
            how = (rng, min(protocol.resamples, BAND_RESAMPLES), protocol.confidence)
            ends = stratified_profile(complete[method], thresholds, *how)
            band = {"color": look["color"], "alpha": 0.1, "lw": 0, "zorder": 2}
            axes.fill_between(100 * thresholds, *(100 * end for end in ends), **band)
        axes.set_title(algorithm)
        axes.set_xlabel(_score(suite))
        axes.grid(color="#e6e6e6", lw=0.5)
        axes.set_axisbelow(True)
    panels[0].set_ylabel("runs above the score, %")
    handles = _handles(config, looks)
    made.legend(handles=handles, **LEGEND, ncols=_columns(handles))
    plotting.title(
        made,
        f"Performance profiles on {suite}",
        "Lines are shares of runs, which are tasks × "
        f"{_seeds(config, [len(found) for found in complete.values()])}"
        f"{bands if banded else ''}.",
    )
    return made
