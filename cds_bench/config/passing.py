"""What a job is given: a plug-in's options, and the keys that its rule passes on."""

import json
from typing import Any

import pydantic
from pydantic import TypeAdapter

from cds_bench.config import plugins
from cds_bench.config.profile import Config
from cds_bench.config.refusals import refusal


def options(kind: str, name: str, values: dict[str, Any]):
    """A plug-in's `Config` from its configured options, types checked."""
    module = plugins.load(kind, plugins.module_name(name, values))
    values = {k: v for k, v in plugins.own_options(values).items() if k != plugins.USE}
    try:
        return TypeAdapter(module.Config).validate_python(values)
    except pydantic.ValidationError as error:
        raise refusal(error, f"{kind}.{name}.") from None


def part(config: Config, *keys: str) -> str:
    """The named keys of a configuration as JSON: what one rule passes to its job.

    A dotted key picks one entry: part(config, "protocol.curve_episodes", "algorithms.cql"). An
    algorithm's entry is without the strategies that it is trained with: each job is told its own.
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
