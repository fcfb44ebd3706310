"""Reads a configuration from a profile's YAML or from the JSON that a rule passes to its job."""

import re
from pathlib import Path
from typing import Any

import pydantic

import envs
from cds_bench.config.checks import check_names, complete
from cds_bench.config.plain import check_plain, read_json, read_yaml
from cds_bench.config.profile import Config
from cds_bench.config.refusals import refusal
from cds_bench.errors import BenchError
from envs import own

SUITES = "suites"  # the folder of suites of your own, beside the Snakefile


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
        config = Config.model_validate(included(values, origin))
    except pydantic.ValidationError as error:
        raise refusal(error, f"{origin}: ") from None
    try:
        check_names(config)
    except BenchError as error:
        raise BenchError(f"{origin}: {error}") from None
    return config


def included(values: dict[str, Any], origin: str) -> dict[str, Any]:
    """Makes suites of your own known, and names their folders in the values.

    They lie in the folders that `suite_folders` names, and in suites/<name> for a configured name.
    """
    named, suites = values.get("suite_folders", []), values.get("suites", {})
    if not isinstance(named, list | tuple) or not isinstance(suites, dict):
        return values  # and the types are refused
    names = [name for name in map(str, suites) if re.fullmatch(own.NAME, name)]
    here = [f"{SUITES}/{name}" for name in names if Path(SUITES, name, own.FILE).is_file()]
    folders = list(dict.fromkeys([*map(str, named), *here]))
    try:
        for folder in folders:
            envs.include(folder)
    except (envs.WorldError, OSError) as error:  # a path that the system refuses
        raise BenchError(f"{origin}: {error}") from None
    return values | {"suite_folders": folders} if folders else values


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
