"""How time and memory grow with seeds, tasks, batch and pool. Each point has its own process."""

import json
import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.comparisons import SMALL, sizes_in_words
from benchmarks.contender import Contender

SLICES = 3


class Panel(NamedTuple):
    """One quantity varies, the others are as in the base. `of` is the label of its axis."""

    key: str
    of: str
    values: tuple[int, ...]


class Point(NamedTuple):
    key: str
    value: int
    milliseconds: float  # of a step of all seeds
    peak_bytes: int


def panels(device: str, quick: bool) -> list[Panel]:
    seeds = (1, 2, 4, 8, 16) if device == "cpu" else (1, 2, 4, 8, 16, 32, 64)
    found = [
        Panel("seeds", "stacked seeds", seeds),
        Panel("tasks", "tasks", (1, 2, 5, 10)),
        Panel("batch", "batch per task (transitions)", (64, 128, 256, 512, 1024)),
        Panel("rows", "pool (transitions)", (100_000, 1_000_000, 10_000_000)),
    ]
    if not quick:
        return found
    smallest = {"seeds": (1, 2), "tasks": (1, 2), "batch": (256,), "rows": (100_000,)}
    return [panel._replace(values=smallest[panel.key]) for panel in found]


def units(device: str, quick: bool) -> int:
    """The units of progress that `measure` reports. All panels contain the base, measured once."""
    return SLICES * (1 + sum(len(panel.values) - 1 for panel in panels(device, quick)))


def measure(
    device: str, threads: int, quick: bool, seconds: float, passed: Callable[[int, str], None]
) -> list[Point]:
    """The points of every panel. Raises ContenderError if a process ends."""
    base = SMALL | {"device": device, "threads": threads}
    specs = {
        (panel.key, value): base | {panel.key: value}
        for panel in panels(device, quick)
        for value in panel.values
    }
    done: dict[str, tuple[float, int]] = {}
    with ExitStack() as stack:
        started = {}
        if device != "cpu":  # there is memory for all of them, and to start one takes seconds
            different = {json.dumps(spec): spec for spec in specs.values()}
            started = {key: _start(spec, stack) for key, spec in different.items()}
        for (name, value), spec in specs.items():
            if (key := json.dumps(spec)) not in done:
                with ExitStack() as own:
                    done[key] = _measure(started.get(key) or _start(spec, own), seconds)
                passed(SLICES, f"{value:,} {name}")
    return [Point(*place, *done[json.dumps(spec)]) for place, spec in specs.items()]


def base_in_words() -> str:
    return f"{sizes_in_words(SMALL)}, one seed, one task, {SMALL['rows']:,} transitions"


def _start(spec: dict[str, Any], stack: ExitStack) -> Contender:
    """The engine's process, which ends with `stack`."""
    contender = Contender("benchmarks.engine", spec)
    stack.callback(contender.close)
    return contender


def _measure(contender: Contender, seconds: float) -> tuple[float, int]:
    """Milliseconds per step as the median over slices, and peak memory in bytes."""
    contender.answer()
    answers = [contender.run(seconds) for _ in range(SLICES)]
    each = [1000.0 * answer["seconds"] / answer["steps"] for answer in answers]
    return median(each), answers[-1]["peak_bytes"]


def bytes_per_seed(points: list[Point]) -> float:
    """The memory of one more seed in the stack, from the smallest and the largest stack."""
    stacks = [point for point in points if point.key == "seeds"]
    first, last = stacks[0], stacks[-1]
    return (last.peak_bytes - first.peak_bytes) / (last.value - first.value)


def draw(points: list[Point], device: str, quick: bool, folder: Path) -> str:
    """Writes scaling.png and scaling.svg, or returns why not if matplotlib is missing."""
    try:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

        from cds_bench.report import plotting
    except ImportError as error:
        return f"no figure: {error}"
    grey = {"color": plotting.GREY, "linestyle": "--", "linewidth": 1}
    blue = {"color": "#0072B2", "marker": "o", "markersize": 4}
    with plotting.style():
        made = plotting.figure(plotting.WIDTH, 2.4)
        for axes, panel in zip(
            made.subplots(1, 4, sharey=True), panels(device, quick), strict=True
        ):
            found = [point for point in points if point.key == panel.key]
            values, times = [p.value for p in found], [p.milliseconds for p in found]
            start = values.index(SMALL[panel.key])
            straight = [times[start] * value / values[start] for value in values]
            if panel.key != "rows":
                axes.plot(values, straight, label="proportional to the base", **grey)
            axes.plot(values, times, label="measured", **blue)
            axes.set(xscale="log", yscale="log", xlabel=panel.of)
            names = [f"{v:,}" if v < 1e5 else f"$10^{math.log10(v):.0f}$" for v in values]
            axes.set_xticks(values, names)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        first = made.axes[0]
        first.set_ylabel("time of a step (ms)")
        made.legend(*first.get_legend_handles_labels(), loc="outside upper left", ncols=2)
        plotting.save_as(made, lambda extension: folder / f"scaling.{extension}")
    return ""
