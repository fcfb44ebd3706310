"""Contenders of a group alternate in slices of time. Their rates are compared round by round."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from benchmarks.comparisons import Comparison, Group
from benchmarks.contender import Contender, ContenderError

WARM_UP = 0.5  # seconds


@dataclass
class Outcome:
    """Per contender: seed-steps per second of each round, peak memory, and why it failed.

    per_core: seed-steps per second of CPU time in each round. others: the number of cores that
    other processes used in each slice.
    """

    rates: dict[str, list[float]] = field(default_factory=dict)
    per_core: dict[str, list[float]] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    others: list[float] = field(default_factory=list)


def units(group: Group, rounds: int) -> int:
    """The units of progress that `run` reports: start, warm-up and rounds of each contender."""
    return len(group.contenders) * (rounds + 2)


def run(group: Group, rounds: int, seconds: float, passed: Callable[[int, str], None]) -> Outcome:
    """Runs slices in the order A B C A B C ... of the contenders.

    The contenders start at the same time, which is not timed. A contender whose process ends is
    left out, and its last message is recorded. `passed(units, what)` is called for progress.
    """
    outcome = Outcome(*({label: [] for label in group.contenders} for _ in range(2)))
    with contextlib.ExitStack() as stack:
        running = {}
        for label, entry in group.contenders.items():
            running[label] = Contender(entry.module, entry.spec, entry.python)
            stack.callback(running[label].close)
        for label, contender in running.items():
            _unless_it_ends(outcome, label, contender.answer)
        passed(len(running), "started")
        for number in range(-1, rounds):
            length = seconds if number >= 0 else min(WARM_UP, seconds)
            for label, contender in running.items():
                answer = _unless_it_ends(outcome, label, partial(contender.run, length))
                passed(1, label)
                if answer and number >= 0:
                    done = group.contenders[label].spec["seeds"] * answer["steps"]
                    outcome.rates[label].append(done / answer["seconds"])
                    outcome.per_core[label].append(done / answer["cpu_seconds"])
                    outcome.peak_bytes[label] = answer["peak_bytes"]
                    outcome.others.append(answer["others"])
    for label in outcome.failures:
        del outcome.rates[label], outcome.per_core[label]
    return outcome


def _unless_it_ends(outcome: Outcome, label: str, ask: Callable[[], dict]) -> dict | None:
    if label in outcome.failures:
        return None
    try:
        return ask()
    except ContenderError as error:
        outcome.failures[label] = str(error)
        return None


@dataclass(frozen=True)
class Ratio:
    """contender / reference over the rounds, and whether the median reaches the bar."""

    contender: str
    reference: str
    median: float
    lowest: float
    highest: float
    bar: float | None

    @property
    def verdict(self) -> str:
        if self.bar is None:
            return ""
        return "reached" if self.median >= self.bar else "not reached"


def compare(comparison: Comparison, rates: dict[str, list[float]]) -> Ratio | None:
    """The ratio of a comparison, or None if the contender or all references were left out."""
    contender, bar = comparison.contender, comparison.bar
    references = [name for name in comparison.references if name in rates]
    if contender not in rates or not references:
        return None
    ratios = _ratios(rates[contender], fastest(references, rates))
    reference = max(references, key=lambda name: median(rates[name]))
    return Ratio(contender, reference, median(ratios), min(ratios), max(ratios), bar)


def ceiling(comparison: Comparison, rates: dict[str, list[float]], reference: str) -> float | None:
    """The ratio to `reference` that the contender would have if it reached its floor."""
    floors = [name for name in comparison.references if name in rates]
    if not floors or reference not in rates:
        return None
    return median(_ratios(fastest(floors, rates), rates[reference]))


def fastest(labels: list[str], rates: dict[str, list[float]]) -> list[float]:
    """The highest rate of each round."""
    return [max(each) for each in zip(*(rates[label] for label in labels), strict=True)]


def _ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]
