"""Dataset cards: what each task's data are, where they come from, and how good they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import envs
from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.dataset import hdf5
from cds_bench.dataset.headroom import COLUMNS
from cds_bench.dataset.store import JSON_ATTRIBUTES
from cds_bench.errors import BenchError
from cds_bench.statistics.schema import check_columns, read_csv
from cds_bench.status.runs import number, read
from cds_bench.storage import paths
from envs.own import OwnSource


@dataclass(frozen=True)
class Card:
    """A dataset's facts by name, the policies behind it, and what is missing or wrong."""

    task: str
    facts: dict[str, str]
    policies: list[dict[str, str]]
    problems: list[str]


def manifest(config: Config, suite: str) -> dict[str, Any]:
    """A suite's manifest. It is empty if the file cannot be read."""
    return read(paths.manifest(config, suite))[0] or {}


def cards(config: Config, suite: str) -> list[Card]:
    """A card for each task of a suite, even if some of its files are missing."""
    return [card(config, suite, task) for task in jobs.suite_tasks(suite)]


def card(config: Config, suite: str, task: str) -> Card:
    """A card from the manifest, the dataset's attributes and the references."""
    listed, trouble = read(paths.manifest(config, suite))
    tasks = (listed or {}).get("tasks")
    entry = tasks.get(task) if isinstance(tasks, dict) else None
    about, unreadable = attributes(config, suite, task)
    references, no_references = read(paths.references(config, task))
    problems = [
        trouble or ("" if isinstance(entry, dict) else "not in manifest.json"),
        unreadable,
        no_references or ("" if references else f"references/{task}.json: missing"),
    ]
    known = about | (entry if isinstance(entry, dict) else {})
    facts = {
        "data of": known.get("quality"),
        "environment": known.get("environment"),
        "transitions": _count(known.get("transitions")),
        "episodes": _episodes(known),
        f"mean {known.get('metric', 'score')}": _mean(known),
        "min, quartiles, max": _numbers(known.get("score_quantiles")),
        "quality gate": gate(_bands(config, suite, task), known),
        "headroom": headroom(config, suite, task),
        "references": _references(references or {}),
        "random numbers": known.get("seed_stream"),
        "size": f"{known['bytes'] / 1e6:,.1f} MB" if number(known.get("bytes")) else None,
        "sha256": known.get("sha256"),
    }
    shown = {name: str(value) for name, value in facts.items() if value is not None}
    return Card(task, shown, policies(known.get("behaviour")), [p for p in problems if p])


def attributes(config: Config, suite: str, task: str) -> tuple[dict[str, Any], str]:
    """A dataset's attributes, or the reason why there are none. Its arrays are not read."""
    path = paths.dataset(config, suite, task)
    if not path.exists():
        return {}, f"{path.name}: missing, so quantiles and behaviour are unknown"
    try:
        stored = hdf5.read(path, "")[1]
        return {key: _decoded(key, value) for key, value in stored.items()}, ""
    except (BenchError, ValueError, TypeError):
        return {}, f"{path.name}: not readable"


def _decoded(key: str, value: Any) -> Any:
    if key in JSON_ATTRIBUTES:
        return json.loads(value)
    return value.item() if hasattr(value, "item") else value


def _bands(config: Config, suite: str, task: str) -> Mapping[str, tuple[float, float] | None]:
    """The bands of qualities: the profile's, or a suite of your own's, which declares its own."""
    source = envs.SUITES[suite].sources[task]
    own = isinstance(source, OwnSource)
    return {source.quality: source.band} if own else config.datasets.bands


def gate(bands: Mapping[str, tuple[float, float] | None], known: dict[str, Any]) -> str | None:
    """The band that the mean normalised score must lie in, and whether it does."""
    band = bands.get(str(known.get("quality")))
    score = known.get("normalized_score")
    if band is None or number(score) is None:
        return None
    low, high = band
    return f"{'✓ inside' if low <= score <= high else '✗ outside'} {low:g} to {high:g}"


def headroom(config: Config, suite: str, task: str) -> str | None:
    """How much of the other tasks' data is better than the task's own, read from tables/."""
    try:
        frame = read_csv(paths.table(config, "headroom", "csv", suite))
        check_columns(frame, COLUMNS, "")
    except BenchError:
        return None
    rows = frame[frame["target"] == task].reset_index(drop=True)
    if rows.empty:
        return None
    best = rows.loc[rows["above_mean"].idxmax()]
    share = np.average(rows["above_mean"], weights=rows["transitions"])
    return (
        f"{share:.0%} of the other tasks' transitions lie above its own mean return-to-go "
        f"(most: {best['source']}, {best['above_mean']:.0%})"
    )


def policies(behaviour: Any) -> list[dict[str, str]]:
    """Each behaviour policy's description as text. Counts have thousands separators."""
    if not isinstance(behaviour, list):
        return []
    return [
        {key: f"{value:,}" if isinstance(value, int) else str(value) for key, value in one.items()}
        for one in behaviour
        if isinstance(one, dict)
    ]


def _count(value: Any) -> str | None:
    return None if number(value) is None else f"{value:,}"


def _episodes(known: dict[str, Any]) -> str | None:
    whole, complete = _count(known.get("episodes")), _count(known.get("complete_episodes"))
    return f"{whole}, {complete} complete" if whole and complete else whole


def _mean(known: dict[str, Any]) -> str | None:
    mean, normalised = number(known.get("mean_score")), number(known.get("normalized_score"))
    if mean is None:
        return None
    same = normalised is None or known.get("metric") != "return"
    return f"{mean:,.4g}" if same else f"{mean:,.1f} (normalised {normalised:.3f})"


def _numbers(values: Any) -> str | None:
    if not isinstance(values, list) or any(number(value) is None for value in values):
        return None
    return ", ".join(f"{value:,.4g}" for value in values)


def _references(references: dict[str, Any]) -> str | None:
    """Mean scores of the random policy (0), the expert (1) and the behaviour policy."""
    found = {name: references.get(name) for name in ("random", "behaviour", "expert")}
    means = {k: number(v.get("mean")) for k, v in found.items() if isinstance(v, dict)}
    texts = [f"{name} {mean:,.4g}" for name, mean in means.items() if mean is not None]
    return ", ".join(texts) or None
