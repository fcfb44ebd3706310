"""The report: report.md for reading, and report.json with the numbers of every round."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks import race, scaling
from benchmarks.comparisons import Group
from benchmarks.floor import products
from benchmarks.race import Outcome, Ratio
from benchmarks.scaling import Point
from cds_bench.storage.files import write_json, write_text

INTRODUCTION = """\
Every contender is a separate process, and all have the same number of threads. Only one of them
runs at a time: they alternate in slices of at least {seconds:g} s, for {rounds} rounds. A ratio is
computed per round. The table shows the median over rounds [lowest, highest]. The data are random,
because the cost does not depend on them. Rates are seed-steps per second: the number of steps times
the number of seeds that one step trains. The rate per core counts CPU time instead: seconds times
the cores in use.
"""
FLOOR = """\
The matrix products of one step ({flops:.2f} GFLOP per seed) run on their own{ways}. The table shows
which share of this floor the engine reaches. The last column is the ratio to the yardstick that an
engine without any other cost would have.
"""
PROFILE = """\
The table shows the share of a step's time by kind of operator, measured {where}. The profiler
itself takes time. Most of that time is in "python and other". The last column counts how often in a
step {waits}.
"""
WAYS = ", both in blocks of\nrows of one network and whole. In each round the faster way counts"
WAITS = {
    "cpu": "a number is read from a tensor, for which a GPU would have to finish all work",
    "cuda": "the host waits for the GPU",
}
QUIET = 0.1  # the number of cores that other processes may use on average
QUICK = "**This quick run with tiny networks shows that everything works, not how fast it is.**\n"


@dataclass(frozen=True)
class Measured:
    """A group's rates, and the ratios and shares computed from them."""

    group: Group
    outcome: Outcome

    @property
    def ratios(self) -> list[Ratio]:
        found = (race.compare(each, self.outcome.rates) for each in self.group.comparisons)
        return [ratio for ratio in found if ratio]

    @property
    def shares(self) -> list[tuple[Ratio, float | None]]:
        """The engine's shares of its floors, and the floors' ratios to the yardstick."""
        rates = self.outcome.rates
        yardstick = next((label for label in rates if label.startswith("yardstick")), "")
        found = [
            (race.compare(each, rates), race.ceiling(each, rates, yardstick))
            for each in self.group.floors
        ]
        return [(share, ceiling) for share, ceiling in found if share]


@dataclass(frozen=True)
class Results:
    """Everything that was measured."""

    device: str
    quick: bool
    rounds: int
    seconds: float
    machine: dict[str, str]
    left_out: dict[str, str]
    groups: list[Measured] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown. The first column is text, the others are aligned right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, rule, *rows])


def in_words(ratio: Ratio, percent: bool = False) -> str:
    scale, unit = (100.0, " %") if percent else (1.0, "")
    middle, low, high = (f"{scale * x:.3g}" for x in (ratio.median, ratio.lowest, ratio.highest))
    return f"{middle}{unit} [{low}, {high}]"


def mebibytes(count: float) -> str:
    return f"{count / 2**20:,.0f}"


def group_text(measured: Measured) -> str:
    group, outcome = measured.group, measured.outcome
    rows = [
        [
            label,
            f"{median(outcome.rates[label]):.3g}",
            f"{median(outcome.per_core[label]):.3g}",
            mebibytes(outcome.peak_bytes[label]),
            entry.included,
        ]
        for label, entry in group.contenders.items()
        if label in outcome.rates
    ]
    text = [f"## {group.title}\n"]
    header = ["contender", "seed-steps/s", "per core", "peak memory (MiB)", "in a step"]
    text.append(table(header, rows))
    rows = [
        [
            f"{ratio.contender} / {ratio.reference}",
            in_words(ratio),
            f"≥ {ratio.bar:g}" if ratio.bar else "",
            ratio.verdict,
        ]
        for ratio in measured.ratios
    ]
    text.append(table(["ratio", "median [lowest, highest]", "bar", ""], rows))
    if shares := measured.shares:
        spec = group.contenders[shares[0][0].contender].spec
        flops = 2.0 * sum(each.multiply_adds for each in products(spec)) / spec["seeds"] / 1e9
        ways = WAYS if spec["device"] == "cpu" else ""
        text.append(f"### Share of the floor\n\n{FLOOR.format(flops=flops, ways=ways)}")
        header = ["contender", "share of the floor", "usual floor", "floor / yardstick"]
        rows = [
            [share.contender, in_words(share, True), share.reference, f"{ceiling or 0:.3g}"]
            for share, ceiling in shares
        ]
        text.append(table(header, rows))
    text.append(others_text(outcome.others))
    return "\n".join(text)


def others_text(others: list[float]) -> str:
    """Says whether the machine was quiet. If not, the threads of a product wait for each other."""
    if not others:
        return ""
    text = (
        f"Other processes used {mean(others):.2f} cores on average, and {max(others):.2f} in the "
        "busiest slice."
    )
    return f"{text}\n" if mean(others) < QUIET else f"{text} **Not quiet; measure again.**\n"


def profile_text(profiles: dict[str, dict[str, Any]], device: str) -> str:
    where = "on one thread" if device == "cpu" else 'in GPU kernels; "python and other" is waiting'
    groups = list(next(iter(profiles.values()))["shares"])
    rows = [
        [label, *(f"{100 * found['shares'][g]:.0f} %" for g in groups), f"{found['waits']:g}"]
        for label, found in profiles.items()
    ]
    heading = f"## Where the time goes\n\n{PROFILE.format(where=where, waits=WAITS[device])}"
    return f"{heading}\n{table(['contender', *groups, 'waits'], rows)}"


def scaling_text(points: list[Point], figure: bool) -> str:
    one = points[0].milliseconds
    rows = [
        [
            f"{point.key} {point.value:,}",
            f"{point.milliseconds:.3g}",
            f"{point.milliseconds / one:.2f}",
            mebibytes(point.peak_bytes),
        ]
        for point in points
    ]
    text = ["## Scaling\n", f"The engine is measured around this base: {scaling.base_in_words()}."]
    text.append(f"Each further seed takes {mebibytes(scaling.bytes_per_seed(points))} MiB.\n")
    if figure:
        text.append("![Time of a step over seeds, tasks, batch and pool](scaling.png)\n")
    text.append(table(["", "step (ms)", "relative to base", "peak memory (MiB)"], rows))
    return "\n".join(text)


def markdown(results: Results, figure: bool) -> str:
    introduction = INTRODUCTION.format(rounds=results.rounds, seconds=results.seconds)
    parts = [
        f"# Speed on {results.device}\n",
        QUICK if results.quick else "",
        table(["machine", ""], [[name, value] for name, value in results.machine.items()]),
        introduction,
        *(group_text(each) for each in results.groups),
        profile_text(results.profiles, results.device) if results.profiles else "",
        scaling_text(results.points, figure) if results.points else "",
    ]
    if results.left_out:
        rows = [[name, reason] for name, reason in results.left_out.items()]
        parts.append(f"## Left out\n\n{table(['what', 'why'], rows)}")
    return "\n".join(part for part in parts if part)


def plain(results: Results) -> dict[str, Any]:
    """All results as JSON values, including the specification of each contender."""
    return {
        "device": results.device,
        "quick": results.quick,
        "rounds": results.rounds,
        "seconds": results.seconds,
        "machine": results.machine,
        "left_out": results.left_out,
        "groups": [_plain_group(measured) for measured in results.groups],
        "profiles": results.profiles,
        "scaling": [point._asdict() for point in results.points],
    }


def _plain_group(measured: Measured) -> dict[str, Any]:
    outcome = measured.outcome
    return {
        "title": measured.group.title,
        "contenders": {
            label: {
                "specification": measured.group.contenders[label].spec,
                "seed_steps_per_second": rates,
                "per_core": outcome.per_core[label],
                "peak_bytes": outcome.peak_bytes[label],
            }
            for label, rates in outcome.rates.items()
        },
        "cores_used_by_others": outcome.others,
        "ratios": [asdict(ratio) | {"verdict": ratio.verdict} for ratio in measured.ratios],
        "floors": [asdict(share) | {"ceiling": top} for share, top in measured.shares],
    }


def write(results: Results, folder: Path) -> None:
    """Writes report.json, scaling.{png,svg} and report.md, which says what was left out."""
    write_json(folder / "report.json", plain(results))
    reason = "nothing was measured"
    if results.points:
        reason = scaling.draw(results.points, results.device, results.quick, folder)
    left_out = results.left_out | ({"figure": reason} if reason else {})
    text = markdown(replace(results, left_out=left_out), figure=not reason)
    write_text(folder / "report.md", text)
