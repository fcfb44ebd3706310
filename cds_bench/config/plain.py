"""Reads YAML and JSON as plain data. It must be small and finite, and no key may occur twice."""

import json
import math
from pathlib import Path
from typing import Any

import yaml

from cds_bench.errors import BenchError, shown

DEEPEST = 12  # the most levels of keys and lists; a profile has six
MOST_VALUES = 100_000  # a repeated part (YAML's aliases) counts every time
MOST_BYTES = 4 * 2**20


class _Loader(yaml.SafeLoader):
    """A YAML loader that refuses a mapping with the same key twice."""

    def compose_mapping_node(self, anchor):
        node, seen = super().compose_mapping_node(anchor), set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                problem = f"the key {shown(key.value)} occurs twice"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return node

    def flatten_mapping(self, node):
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            problem = f"more than {MOST_VALUES:,} keys are merged"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_yaml(path: Path | str) -> Any:
    """The content of a YAML file. Raises BenchError if it is unreadable or not plain data."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such configuration; see workflow/config/") from None
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: not readable ({error})") from None
    if len(text) > MOST_BYTES:
        raise BenchError(f"{path}: is larger than any profile; expected at most 4 MiB of YAML")
    try:
        values = yaml.load(text, _Loader)
    except RecursionError:
        raise BenchError(f"{path}: is nested too deeply; a profile has six levels") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise BenchError(f"{path}: not valid YAML ({error})") from None
    check_plain(values, str(path))
    return values


def read_json(text: str, origin: str) -> Any:
    """The content of a JSON text, checked like `read_yaml`'s."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise BenchError(f"{origin}: the key {shown(twice)} occurs twice")
        return values

    try:
        values = json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise BenchError(f"{origin}: is nested too deeply; a profile has six levels") from None
    except ValueError as error:
        raise BenchError(f"{origin}: not valid JSON ({error})") from None
    check_plain(values, origin)
    return values


def check_plain(values: Any, origin: str) -> None:
    """Raises BenchError unless a value consists of names, lists, text and finite numbers.

    It also refuses values that refer to themselves, that are nested too deeply, or that are too
    many. A few lines of YAML can expand to millions of values.
    """
    waiting: list[tuple[Any, tuple]] = [(values, ())]
    count = 0
    while waiting:
        value, place = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise BenchError(f"{origin}: has more than {MOST_VALUES:,} values; expected a profile")
        if len(place) > DEEPEST:
            raise BenchError(
                f"{origin}: {_where(place)}is nested more than {DEEPEST} levels deep, or refers to "
                "itself; a profile has six levels"
            )
        if isinstance(value, dict):
            for key, item in value.items():
                if trouble := _trouble(key):
                    raise BenchError(f"{origin}: {_where(place)}a key {trouble}")
                waiting.append((item, (*place, key)))
        elif isinstance(value, list | tuple):
            waiting += [(item, (*place, k)) for k, item in enumerate(value)]
        elif trouble := _trouble(value):
            raise BenchError(f"{origin}: {_where(place)}{trouble}")


def _trouble(value: Any) -> str:
    """Why a profile can't contain a value; "" if it can."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{shown(value)} cannot be written in UTF-8"
        return f"{shown(value)} contains a NUL character" if "\0" in value else ""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, expected a finite number"
    if isinstance(value, int) and abs(value) > 2**63:
        return "is an integer beyond 64 bits"
    if value is None or isinstance(value, int | float):
        return ""
    return f"is of type {type(value).__name__}; expected text, a number, a list or keys"


def _where(place: tuple) -> str:
    name = ".".join(str(part)[:60] for part in place[:8])
    return f"{name}: " if name else ""
