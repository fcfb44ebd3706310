"""Reading a configuration: a profile's YAML, or the JSON that a rule passes to its job."""

import json
from pathlib import Path
from typing import Any

import pydantic
import yaml

from cds_bench.config.checks import check_names, complete
from cds_bench.config.profile import Config
from cds_bench.config.refusals import refusal
from cds_bench.errors import BenchError


def parse(values: dict[str, Any], origin: str) -> Config:
    """Checks a configuration. Raises BenchError naming origin, key, and what was expected."""
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


def parse_profile(values: dict[str, Any], origin: str) -> Config:
    """`parse` of a whole profile, which must name more than a part of one (`complete`)."""
    return complete(parse(values, origin), origin)


def load(source: Path | str) -> Config:
    """A configuration from a YAML file's path, or from a JSON object as rules pass it."""
    if str(source).lstrip().startswith("{"):
        try:
            return parse(json.loads(source), "--config")
        except json.JSONDecodeError as error:
            raise BenchError(f"--config: not valid JSON ({error})") from None
    try:
        values = yaml.safe_load(Path(source).read_text())
    except FileNotFoundError:
        raise BenchError(f"{source}: no such configuration; see workflow/config/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{source}: not readable ({error})") from None
    except yaml.YAMLError as error:
        raise BenchError(f"{source}: not valid YAML ({error})") from None
    if not isinstance(values, dict):
        raise BenchError(f"{source}: not a profile: keys and values are expected at its top level")
    return parse_profile(values, str(source))
