"""The contenders, their sizes, the comparisons between them and the targets, as plain data."""

import sys
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peer_d3rlpy.environment import PYTHON
from cds_bench.algorithms.encoder import FEATURES

PAPER = {
    "observation": 17,
    "action": 6,
    "tasks": 1,
    "seeds": 1,
    "rows": 100_000,
    "hidden": [256, 256, 256],
    "actions": 10,
    "batch": 256,
    "layer_norm": False,
    "sharing": "no_sharing",
    "options": {},
}
SMALL = PAPER | {"hidden": [128, 128], "actions": 4}
FOUR_TASKS = PAPER | {"tasks": 4, "layer_norm": True, "sharing": "cds"}
STACKED = {  # the shapes in which the profiles spend most of their time
    "mazes and doors of default": FOUR_TASKS
    | {"hidden": [64, 64], "actions": 1, "batch": 96}
    | {"options": {"policy_improvement": "regression", "backup_actions": 4}},
    "wider networks": FOUR_TASKS | {"hidden": [128, 128], "actions": 2, "batch": 64},
}
# `observation` is the number of the yardstick's features, as many as the engine has.
PICTURES = PAPER | {"picture": [48, 48, 3], "rows": 2_000, "observation": FEATURES, "action": 4}
PICTURES |= {"hidden": [256, 256], "actions": 1, "batch": 128}
STACKS = (3, 6, 10)  # seeds
QUICK = {"rows": 2_000, "hidden": [32, 32], "actions": 2, "batch": 32}
GPU_SEEDS = (1, 2, 4, 8, 16, 32, 64)
STUDY = PAPER | {"tasks": 3, "seeds": 10, "sharing": "cds"}  # as benchmarks.gpu_study trains
GPU_ONLY = {
    "CUDA graphs": "only a GPU has them",
    "TF32": "only a GPU computes products in it",
    "the study's stack, and up to 64 seeds": "they are measured on a GPU only",
}
FLOORS = {"whole": True, "in blocks": False}  # how the products are computed -> `whole`
BAR = 1.3  # target ratio of one seed to the yardstick and to the peer
BAR_STACKED = 3.0  # target ratio of stacked seeds to the yardstick
INCLUDED = {
    "yardstick": "batch by index, losses, four Adam optimisers, targets",
    "yardstick, freed memory kept": "the same, with the engine's allocator settings",
    "yardstick, one seed": "the same for one task with as many transitions; no sharing",
    "yardstick, script": "the same, with rows drawn by NumPy and every loss read in each step",
    "yardstick, TF32": "as the yardstick",
    "yardstick on pictures": "batch by index, an encoder, losses, five Adam optimisers, targets",
    "drawing": "one observed picture: its rate is in frames per second",
    "d3rlpy, fit": "d3rlpy's own loop: sampling of transitions in Python, update, no logging",
    "d3rlpy, update": "the update alone: batches sampled before, conversion to tensors, losses",
}
OF_ENGINE = "batch, sharing, losses, optimiser, targets, record of metrics"
OF_FLOOR = "matrix products only"


class Entry(NamedTuple):
    """A contender: its module, the specification for it, and what one of its steps includes."""

    module: str
    spec: dict[str, Any]
    included: str
    python: Path | str = sys.executable


class Comparison(NamedTuple):
    """contender / reference in seed-steps per second, and the target for this ratio, if any.

    If there are several references, the fastest one of each round counts.
    """

    contender: str
    references: tuple[str, ...]
    bar: float | None = None


class Group(NamedTuple):
    """Contenders that alternate, their comparisons, and the comparisons with their floors."""

    title: str
    contenders: dict[str, Entry]
    comparisons: list[Comparison]
    floors: list[Comparison]
    profiled: tuple[str, ...]


def groups(device: str, threads: int, quick: bool, data: Path | None) -> list[Group]:
    """The groups of contenders. `data` is the peer's .npz file if the peer runs."""
    changes = {"device": device, "threads": threads} | (QUICK if quick else {})
    found = [_one_seed(PAPER | changes, data)]
    if device == "cpu":
        found += [_stacked(name, spec | changes, data) for name, spec in STACKED.items()]
        found.append(_pictures(PICTURES | changes))
    else:
        found += [_study(STUDY | changes), _many_seeds(PAPER | changes)]
    if quick:  # the sizes are too small for targets
        found = [
            g._replace(comparisons=[c._replace(bar=None) for c in g.comparisons]) for g in found
        ]
    return found


def sizes_in_words(spec: dict[str, Any]) -> str:
    widths = " x ".join(map(str, spec["hidden"]))
    return f"hidden layers {widths}, n = {spec['actions']}, batch {spec['batch']} per task"


def _yardstick(
    spec: dict[str, Any], label: str = "yardstick", module: str = "yardstick", **more: Any
) -> dict[str, Entry]:
    return {label: Entry(f"benchmarks.{module}", spec | more, INCLUDED[label])}


def _peer(spec: dict[str, Any], data: Path | None, loops: tuple[str, ...]) -> dict[str, Entry]:
    """d3rlpy with one seed of one task, or nothing if it does not run."""
    if not data:
        return {}
    module, labels = "benchmarks.peer_d3rlpy.contender", {x: f"d3rlpy, {x}" for x in loops}
    return {
        label: Entry(module, spec | {"loop": x, "data": str(data)}, INCLUDED[label], PYTHON)
        for x, label in labels.items()
    }


def _engine(spec: dict[str, Any], module: str = "engine") -> Entry:
    return Entry(f"benchmarks.{module}", spec, OF_ENGINE)


def _floors(label: str, spec: dict[str, Any]) -> dict[str, Entry]:
    """The matrix products of the engine's step with `spec`, in every way to compute them."""
    return {
        f"products of {label}, {way}": Entry("benchmarks.floor", spec | {"whole": whole}, OF_FLOOR)
        for way, whole in FLOORS.items()
        if whole or spec["device"] == "cpu"
    }


def _alternatives(label: str, spec: dict[str, Any]) -> tuple[dict[str, Entry], list[Comparison]]:
    """The engine as it is, from a CUDA graph, and in TF32, with the floors of both precisions.

    Also returns the comparisons with the floors.
    """
    contenders: dict[str, Entry] = {}
    shares = []
    for name, each in ((label, spec), (f"{label}, TF32", spec | {"tf32": True})):
        floors, graphed = _floors(name, each), f"{name}, CUDA graph"
        contenders |= {name: _engine(each), graphed: _engine(each, "graphed"), **floors}
        shares += [Comparison(name, tuple(floors)), Comparison(graphed, tuple(floors))]
    return contenders, shares


def _one_seed(spec: dict[str, Any], data: Path | None) -> Group:
    """The engine compared with the yardsticks, the peer and its floor."""
    script = _yardstick(spec, "yardstick, script", "yardstick_script")
    contenders = _yardstick(spec) | script | _peer(spec, data, ("fit", "update"))
    if spec["device"] == "cpu":
        contenders |= _yardstick(spec, "yardstick, freed memory kept", keep_freed_memory=True)
    comparisons = [Comparison("engine", ("yardstick",), BAR)]
    comparisons += [
        Comparison("engine", (label,), BAR if data else None)
        for label in contenders
        if label != "yardstick"
    ]
    if spec["device"] == "cpu":
        floors = _floors("engine", spec)
        engines, shares = {"engine": _engine(spec), **floors}, [Comparison("engine", tuple(floors))]
    else:
        contenders |= _yardstick(spec, "yardstick, TF32", tf32=True)
        engines, shares = _alternatives("engine", spec)
        comparisons += [
            Comparison("engine, CUDA graph", ("yardstick",)),
            Comparison("engine, TF32", ("yardstick, TF32",)),
            Comparison("engine, TF32, CUDA graph", ("yardstick, TF32",)),
        ]
    title = f"One seed: {sizes_in_words(spec)}"
    profiled = ("engine", "yardstick", "yardstick, script")
    return Group(title, contenders | engines, comparisons, shares, profiled)


def _stacked(name: str, spec: dict[str, Any], data: Path | None) -> Group:
    """Stacks of the engine with cds, compared with the yardstick, the peer and their floors."""
    alone = spec | {"tasks": 1, "batch": spec["batch"] * spec["tasks"]}
    reference = "yardstick, one seed"
    contenders = _yardstick(alone, reference) | _peer(alone, data, ("fit",))
    peers, comparisons, shares = list(contenders), [], []
    labels = {seeds: f"engine, {seeds} seeds" for seeds in STACKS}
    for seeds, label in labels.items():
        stack = spec | {"seeds": seeds}
        floors = _floors(label, stack)
        contenders |= {label: _engine(stack), **floors}
        comparisons += [
            Comparison(label, (peer,), BAR_STACKED if peer == reference else None) for peer in peers
        ]
        shares.append(Comparison(label, tuple(floors)))
    title = f"Stacked seeds, {name}: {spec['tasks']} tasks, cds, {sizes_in_words(spec)}"
    return Group(title, contenders, comparisons, shares, tuple(labels.values()))


def _pictures(spec: dict[str, Any]) -> Group:
    """Drawing, and stacks of the engine compared with the yardstick on pictures."""
    drawing = {"drawing": Entry("benchmarks.drawing", spec | {"threads": 1}, INCLUDED["drawing"])}
    label = "yardstick on pictures"
    plain = _yardstick(spec, label, "yardstick_pictures")
    stacks = {
        "engine, one seed": _engine(spec),
        "engine, 3 seeds": _engine(spec | {"seeds": 3}),
    }
    comparisons = [Comparison(each, (label,)) for each in stacks]
    size = "{} x {} pixels".format(*spec["picture"])
    title = f"Pictures of {size}: {sizes_in_words(spec)}"
    return Group(title, drawing | plain | stacks, comparisons, [], tuple(stacks))


def _study(spec: dict[str, Any]) -> Group:
    """The stack that `benchmarks.gpu_study` trains, compared with the yardstick and its floors."""
    alone = spec | {"tasks": 1, "seeds": 1, "batch": spec["batch"] * spec["tasks"]}
    reference, label = "yardstick, one seed", f"engine, {spec['seeds']} seeds"
    engines, shares = _alternatives(label, spec)
    comparisons = [Comparison(share.contender, (reference,)) for share in shares]
    title = f"The paper's study: {spec['tasks']} tasks, cds, {sizes_in_words(spec)}"
    return Group(title, _yardstick(alone, reference) | engines, comparisons, shares, (label,))


def _many_seeds(spec: dict[str, Any]) -> Group:
    """The engine with more and more seeds, compared with the yardstick."""
    stacks = {f"engine, {n} seeds": _engine(spec | {"seeds": n}) for n in GPU_SEEDS}
    last = list(stacks)[-1]
    comparisons = [
        Comparison(label, ("yardstick",), 30.0 if label == last else None) for label in stacks
    ]
    title = f"Stacked seeds: {sizes_in_words(spec)}"
    return Group(title, _yardstick(spec) | stacks, comparisons, [], (last,))
