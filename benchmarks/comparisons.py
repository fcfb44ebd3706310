"""Who is compared with whom, at which sizes, and what is aimed at: plain data."""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import engine
from benchmarks.peer_d3rlpy.environment import PYTHON

PAPER = {
    "observation": 17,
    "action": 6,
    "tasks": 1,
    "seeds": 1,
    "rows": 100_000,
    "hidden": [256, 256, 256],
    "actions": 10,
    "batch": 256,
}
SMALL = PAPER | {"hidden": [128, 128], "actions": 4}
QUICK = {"rows": 2_000, "hidden": [32, 32], "actions": 2, "batch": 32}
GPU_SEEDS = (1, 2, 4, 8, 16, 32, 64)
FLOORS = {"whole": True, "in blocks": False}  # how the products are passed -> `whole`
BARS = {  # of one seed, to the yardstick
    "engine, float32": 1.3,
    "engine, bfloat16": 3.0,
    "engine, sampled, float32": 2.0,
    "engine, sampled, bfloat16": 5.0,
}
INCLUDED = {
    "yardstick": "batch by index, losses, four Adam optimisers, targets",
    "yardstick, freed memory kept": "the same, with the engine's allocator settings",
    "d3rlpy, fit": "d3rlpy's own loop: transitions sampled in Python, update, logged to nowhere",
    "d3rlpy, update": "the update alone: batches sampled before, converted to tensors, losses read",
}
OF_ENGINE = "batch, sharing, losses, optimiser, targets, record of metrics"
OF_FLOOR = "matrix products alone"


class Entry(NamedTuple):
    """A contender: what prepares it, with what, and what one of its steps includes."""

    module: str
    spec: dict[str, Any]
    included: str
    python: Path | str = sys.executable


class Comparison(NamedTuple):
    """contender / reference in seed-steps per second, and the ratio aimed at, if any.

    More than one reference: the fastest of them, round by round.
    """

    contender: str
    references: tuple[str, ...]
    bar: float | None = None


class Group(NamedTuple):
    """Contenders that alternate, what they are compared in, and their shares of the floor."""

    title: str
    contenders: dict[str, Entry]
    comparisons: list[Comparison]
    floors: list[Comparison]


def groups(
    device: str, threads: int, quick: bool, data: Path | None
) -> tuple[list[Group], dict[str, str]]:
    """The groups, and why which contender was left out; `data`: the peer's .npz, if it runs."""
    common = {"device": device, "threads": threads}
    paper, small = (sizes | common | (QUICK if quick else {}) for sizes in (PAPER, SMALL))
    left_out = {
        label: f"this version of cds-bench has no {', '.join(missing)}"
        for label, changes in engine.VARIANTS.items()
        if (missing := engine.missing_fields(changes))
    }
    variants = {k: v for k, v in engine.VARIANTS.items() if k not in left_out}
    several = _five_seeds(small) if device == "cpu" else _many_seeds(paper, variants)
    floors = list(variants)[:1] if quick else list(variants)
    found = [_one_seed(paper, variants, floors, data), several]
    if quick:  # too small for bars
        found = [
            g._replace(comparisons=[c._replace(bar=None) for c in g.comparisons]) for g in found
        ]
    return found, left_out


def sizes_in_words(spec: dict[str, Any]) -> str:
    widths = " x ".join(map(str, spec["hidden"]))
    return f"hidden layers {widths}, n = {spec['actions']}, batch {spec['batch']}"


def _yardstick(spec: dict[str, Any], kept: bool = False) -> dict[str, Entry]:
    label = "yardstick, freed memory kept" if kept else "yardstick"
    more = {"keep_freed_memory": kept}
    return {label: Entry("benchmarks.yardstick", spec | more, INCLUDED[label])}


def _engine(spec: dict[str, Any], changes: dict[str, Any]) -> Entry:
    return Entry("benchmarks.engine", spec | {"changes": changes}, OF_ENGINE)


def _one_seed(
    spec: dict[str, Any], variants: dict[str, dict[str, Any]], floored: list[str], data: Path | None
) -> Group:
    """The variants beside the yardstick and the peer, and the floors of those in `floored`."""
    on_cpu = spec["device"] == "cpu"
    contenders = _yardstick(spec) | (_yardstick(spec, kept=True) if on_cpu else {})
    if data:
        for loop in ("fit", "update"):
            label, more = f"d3rlpy, {loop}", {"loop": loop, "data": str(data)}
            module = "benchmarks.peer_d3rlpy.contender"
            contenders[label] = Entry(module, spec | more, INCLUDED[label], PYTHON)
    references = list(contenders)
    contenders |= {label: _engine(spec, changes) for label, changes in variants.items()}
    comparisons = [Comparison(label, ("yardstick",), BARS.get(label)) for label in variants]
    comparisons += [
        Comparison("engine, float32", (label,), BARS["engine, float32"] if data else None)
        for label in references[1:]
    ]
    floors = []
    for label in floored:
        ways = _floors(label, spec | {"changes": variants[label]})
        contenders |= ways
        floors.append(Comparison(label, tuple(ways)))
    return Group(f"One seed: {sizes_in_words(spec)}", contenders, comparisons, floors)


def _floors(label: str, spec: dict[str, Any]) -> dict[str, Entry]:
    """The products of what the engine does with `spec`, in every way to pass them."""
    return {
        f"products of {label}, {way}": Entry("benchmarks.floor", spec | {"whole": whole}, OF_FLOOR)
        for way, whole in FLOORS.items()
        if whole or spec["device"] == "cpu"
    }


def _five_seeds(spec: dict[str, Any]) -> Group:
    stack = spec | {"seeds": 5}
    floors = _floors("engine, five seeds", stack)
    contenders = _yardstick(spec) | {
        "engine, one seed": _engine(spec, {}),
        "engine, five seeds": _engine(stack, {}),
        **floors,
    }
    comparisons = [
        Comparison("engine, five seeds", ("yardstick",), 3.0),
        Comparison("engine, five seeds", ("engine, one seed",)),
    ]
    shares = [Comparison("engine, five seeds", tuple(floors))]
    return Group(f"Five stacked seeds: {sizes_in_words(spec)}", contenders, comparisons, shares)


def _many_seeds(spec: dict[str, Any], variants: dict[str, dict[str, Any]]) -> Group:
    stacks = {
        f"{label}, {seeds} seeds": _engine(spec | {"seeds": seeds}, changes)
        for label, changes in variants.items()
        for seeds in GPU_SEEDS
        if not changes or seeds == GPU_SEEDS[-1]
    }
    bars = {label: 30.0 for label in stacks if label.endswith(f" {GPU_SEEDS[-1]} seeds")}
    comparisons = [Comparison(label, ("yardstick",), bars.get(label)) for label in stacks]
    return Group(
        f"Stacked seeds: {sizes_in_words(spec)}", _yardstick(spec) | stacks, comparisons, []
    )
