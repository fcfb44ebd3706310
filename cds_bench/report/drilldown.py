"""The runs of each method: learning curves and training metrics of every seed."""

import io
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

import envs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.report import plotting
from cds_bench.report.captions import label
from cds_bench.report.contents import address
from cds_bench.report.provenance import NOTHING, Run, moment
from cds_bench.report.table_formats import MISSING
from cds_bench.statistics import headline
from cds_bench.statistics.metrics import SHARE, WEIGHT, read_run_metrics
from cds_bench.statistics.schema import own_metric
from cds_bench.statistics.selection import BY_DECILE
from cds_bench.status.layout import clock
from cds_bench.status.runs import number
from cds_bench.storage import paths
from cds_bench.storage.columns import METRICS

POINTS = 40  # logged rows are averaged to at most this many points per line
SMALL = {
    "font.size": 6.5, "axes.titlesize": 7, "axes.labelsize": 6.5, "xtick.labelsize": 6,
    "ytick.labelsize": 6, "legend.fontsize": 7, "axes.linewidth": 0.5, "xtick.major.size": 2,
    "ytick.major.size": 2,
}  # fmt: skip
Series = dict[str, pd.DataFrame]  # task (or "" for none) -> values [step, seed]


@dataclass(frozen=True)
class Method:
    """A method on a suite: its jobs, headline scores, picture, and notes on what is missing."""

    name: str
    jobs: list[tuple[str, ...]]  # as in JOB_COLUMNS
    headlines: list[tuple[str, ...]]  # per seed: the seed, a score per task, their mean
    picture: str  # an image's address, or "" if there is nothing to draw
    summary: str
    notes: list[str]


JOB_COLUMNS = (
    "seeds", "state", "started", "ended", "training (h:mm:ss)", "steps/s", "memory (MiB)",
    "interruptions",
)  # fmt: skip


def methods(config: Config, scores: pd.DataFrame, runs: list[Run], suite: str) -> list[Method]:
    """All methods of a suite: the configured ones and those that occur only in the scores."""
    rows = own_metric(scores[scores["suite"] == suite])
    heads = headline.headline(scores, config.protocol)
    limits = _limits(rows)
    return [
        _method(config, rows, heads, runs, suite, key, limits)
        for key in headline.methods(config, scores, suite)
    ]


def _method(config, rows, heads, runs, suite, key, limits) -> Method:
    algorithm, sharing = key
    tasks = envs.SUITES[suite].tasks
    jobs = [r for r in runs if (r.suite, r.algorithm, r.sharing) == (suite, algorithm, sharing)]
    own = rows[(rows["algorithm"] == algorithm) & (rows["sharing"] == sharing)]
    metrics, notes = read_metrics(config, suite, key)
    values = headline.matrix(config, heads, suite, key)
    notes += [f"seeds {run.seeds}: {run.state}" for run in jobs if run.state != "complete"]
    if lacking := headline.note(values, tasks):
        notes.append(lacking)
    shown = panels(own, metrics, tasks)
    return Method(
        name=f"{algorithm} × {label(config, sharing)}",
        jobs=[_job(run) for run in jobs],
        headlines=[_headline(seed, row) for seed, row in enumerate(values)],
        picture=picture(shown, tasks, limits) if shown else "",
        summary=_summary(values),
        notes=notes,
    )


def read_metrics(config: Config, suite: str, key: headline.Method) -> tuple[pd.DataFrame, list]:
    """The metrics of all jobs of a method, and notes on missing or wrong files."""
    parts, notes = [], []
    if key not in config.methods:
        return pd.DataFrame(columns=METRICS), notes  # an external baseline has scores only
    for first, last in config.seed_groups:
        folder = paths.run(config, suite, *key, f"{first}-{last}")
        try:
            frame = read_run_metrics(folder, suite, range(first, last + 1))
            parts.append(frame.astype({"source": object, "target": object}))
        except BenchError as error:
            notes.append(f"seeds {first}-{last}: {str(error).removeprefix(f'{folder}/')}")
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=METRICS)
    return frame.fillna({"source": "", "target": ""}), notes


def _job(run: Run) -> tuple[str, ...]:
    record = run.record
    wall, rate = number(record.get("wall_seconds")), number(record.get("steps_per_second"))
    memory, breaks = record.get("peak_memory_mib"), record.get("interruptions")
    return (
        run.seeds,
        run.state,
        moment(record.get("started")) or NOTHING,
        moment(record.get("ended")) or NOTHING,
        NOTHING if wall is None else clock(wall),
        NOTHING if rate is None else f"{rate:,.1f}",
        NOTHING if memory is None else str(memory),
        NOTHING if breaks is None else str(breaks),
    )


def _headline(seed: int, values: np.ndarray) -> tuple[str, ...]:
    """A seed's scores ×100 and their mean, which is missing if one of them is."""
    return (str(seed), *map(_hundred, (*values, values.mean())))


def _summary(values: np.ndarray) -> str:
    """The average over tasks for the seeds that have all tasks; `values` is [seeds, tasks]."""
    whole = values[~np.isnan(values).any(axis=1)]
    return f"average {_hundred(whole.mean() if len(whole) else np.nan)}, n = {len(whole)}"


def _hundred(value: float) -> str:
    return MISSING if np.isnan(value) else f"{100 * value:z.1f}"


def panels(scores: pd.DataFrame, metrics: pd.DataFrame, tasks: tuple) -> list[tuple[str, Series]]:
    """The panels of a picture: a learning curve per task, then a panel per metric.

    A metric has one line, or one line per task. Metrics of pairs of tasks are reduced to two
    panels: the share of a task's own data in its effective data, and the mean weight of the other
    tasks' data. Metrics that are NaN everywhere are left out. So are the weights by decile of
    return-to-go, which have their own figure.
    """
    found: list[tuple[str, Series]] = [
        (task, {task: _wide(scores[scores["task"] == task], "normalized_score") * 100})
        for task in tasks
    ]
    own = metrics["source"] == metrics["target"]
    pairs = {
        "own share of effective data": metrics[(metrics["metric"] == SHARE) & own],
        "weight of others' data": metrics[(metrics["metric"] == WEIGHT) & ~own],
    }
    for title, rows in pairs.items():
        found.append((title, _by_target(rows, tasks)))
    single = metrics[~metrics["metric"].isin((SHARE, WEIGHT, *BY_DECILE))]
    for name, rows in single.groupby("metric", sort=False):
        found.append((str(name).replace("_", " "), _by_target(rows, tasks)))
    kept = [
        (title, {key: wide for key, wide in series.items() if wide.notna().any(axis=None)})
        for title, series in found
    ]
    return [(title, series) for title, series in kept if series]


def _by_target(rows: pd.DataFrame, tasks: tuple[str, ...]) -> Series:
    targets = [name for name in ("", *tasks) if (rows["target"] == name).any()]
    return {name: _thinned(_wide(rows[rows["target"] == name], "value")) for name in targets}


def _wide(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.pivot_table(index="step", columns="seed", values=column)


def _thinned(wide: pd.DataFrame) -> pd.DataFrame:
    """Averages groups of neighbouring rows to at most POINTS rows, at each group's last step."""
    group = np.arange(len(wide)) * POINTS // max(len(wide), POINTS)
    thin = wide.groupby(group).mean()
    thin.index = wide.index.to_series().groupby(group).last().to_numpy()
    return thin


def _limits(scores: pd.DataFrame) -> tuple[float, float]:
    """The range of a suite's scores ×100. All methods share this axis, so they can be compared."""
    values = 100 * scores["normalized_score"]
    low, high = min(values.min(), 0.0), max(values.max(), 100.0)
    return (low - 0.04 * (high - low), high + 0.04 * (high - low)) if len(values) else (0, 100)


def picture(shown: list[tuple[str, Series]], tasks: tuple, limits: tuple[float, float]) -> str:
    """The panels as an image's address.

    Thin lines are seeds and the thick line is their mean. Each task has its colour and dash.
    """
    with plotting.style(), plotting.rc_context(SMALL):
        made = figure(shown, tasks, limits)
        stream = io.BytesIO()
        made.savefig(stream, format="svg", metadata={"Date": None}, facecolor="white")
    return address(_shorter(stream.getvalue().decode()).encode())


def figure(
    shown: list[tuple[str, Series]], tasks: tuple[str, ...], limits: tuple[float, float]
) -> Figure:
    """The figure of `picture`. It is laid out by hand, which is faster than automatic layout."""
    across, down = plotting.ACROSS, -(-len(shown) // plotting.ACROSS)
    height = 0.5 + 1.25 * down
    made = plotting.figure(plotting.WIDTH, height, layout=None)
    grid = made.subplots(down, across, squeeze=False)
    made.subplots_adjust(
        left=0.06, right=0.99, top=1 - 0.18 / height, bottom=0.62 / height, wspace=0.3, hspace=0.5
    )
    looks = plotting.in_turn(list(tasks))
    looks[""] = plotting.BLACK
    for axes, (title, series) in zip(grid.flat, shown, strict=False):
        for name, wide in series.items():
            _lines(axes, wide, looks[name])
        axes.set_title(title, pad=3)
        if title in tasks:
            axes.set_ylim(*limits)
            axes.axhline(0, color=plotting.GREY, lw=0.5, ls=(0, (4, 3)), zorder=0)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.tick_params(pad=1.5)
    for axes in list(grid.flat)[len(shown) :]:
        axes.set_visible(False)
    handles = [
        Line2D([], [], lw=1.3, color=looks[t]["color"], ls=looks[t]["linestyle"], label=t)
        for t in tasks
    ]
    made.legend(handles=handles, loc="lower center", ncols=across, handlelength=4)
    for axes in list(grid.flat)[max(len(shown) - across, 0) : len(shown)]:
        axes.set_xlabel("gradient steps", labelpad=1)
    return made


def _lines(axes, wide: pd.DataFrame, look: dict) -> None:
    colour = look["color"]
    axes.plot(wide.index, wide, color=colour, lw=0.5, alpha=0.45)
    mean = wide.dropna().mean(axis=1)
    axes.plot(mean.index, mean, color=colour, lw=1.3, ls=look["linestyle"])


def _shorter(svg: str) -> str:
    """Rounds paths to 0.1 points and drops indentation: a third smaller, no visible change."""
    rounded = re.sub(r' d="[^"]*"', lambda d: re.sub(r"(\.\d)\d+", r"\1", d[0]), svg)
    return re.sub(r"\n *", "\n", rounded)
