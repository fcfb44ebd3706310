"""What a job receives: its plug-ins' options, and the keys that its rule passes to it."""

import json
from typing import Any

import pydantic
from pydantic import TypeAdapter

from cds_bench.config import plugins
from cds_bench.config.profile import Config
from cds_bench.config.refusals import refusal


def options(kind: str, name: str, values: dict[str, Any]):
    """A plug-in's `Config`, made from its configured options. Checks their types."""
    module = plugins.load(kind, plugins.module_name(name, values))
    values = {k: v for k, v in plugins.own_options(values).items() if k != plugins.USE}
    try:
        return TypeAdapter(module.Config).validate_python(values)
    except pydantic.ValidationError as error:
        raise refusal(error, f"{kind}.{name}.") from None


def part(config: Config, *keys: str) -> str:
    """The named keys of a configuration as JSON, for a rule to pass to its job.

    A dotted key picks one entry: part(config, "protocol.curve_episodes", "algorithms.cql"). An
    algorithm's entry omits the list of its strategies, because each job is told its own strategy.
    """
    values = config.model_dump(mode="json")
    picked: dict[str, Any] = {"profile": config.profile, "results": config.results}
    if config.suite_folders:
        picked["suite_folders"] = values["suite_folders"]
    for key in keys:
        section, _, entry = key.partition(".")
        if entry:
            value = values[section][entry]
            value = plugins.own_options(value) if section == "algorithms" else value
            picked.setdefault(section, {})[entry] = value
        else:
            picked[section] = values[section]
    return json.dumps(picked)
