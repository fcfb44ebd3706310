"""Reads a configuration from a profile's YAML or from the JSON that a rule passes to its job."""

from pathlib import Path
from typing import Any

import pydantic

from cds_bench.config.checks import check_names, complete
from cds_bench.config.plain import check_plain, read_json, read_yaml
from cds_bench.config.profile import Config
from cds_bench.config.refusals import refusal
from cds_bench.errors import BenchError


def parse(values: dict[str, Any], origin: str) -> Config:
    """Checks a configuration. A BenchError names the origin, the key and what was expected."""
    check_plain(values, origin)
    values = {
        key: {name: options or {} for name, options in value.items()}
        if key in ("suites", "algorithms", "sharing", "baselines") and isinstance(value, dict)
        else value
        for key, value in values.items()
    }
    try:
        config = Config.model_validate(values)
    except pydantic.ValidationError as error:
        raise refusal(error, f"{origin}: ") from None
    try:
        check_names(config)
    except BenchError as error:
        raise BenchError(f"{origin}: {error}") from None
    return config


def parse_profile(values: Any, origin: str) -> Config:
    """Like `parse`, for a whole profile: also checks that it is complete (`checks.complete`)."""
    if not isinstance(values, dict):
        raise BenchError(f"{origin}: not a profile; expected keys and values at the top level")
    return complete(parse(values, origin), origin)


def load(source: Path | str) -> Config:
    """A configuration from the path of a YAML file, or from a JSON object that a rule passes."""
    if str(source).lstrip().startswith("{"):
        return parse(read_json(str(source), "--config"), "--config")
    return parse_profile(read_yaml(source), str(source))
