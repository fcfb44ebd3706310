"""A valid configuration, and a copy with one key changed."""

import copy

MIXED = "walker2d-mixed"
VALID = {
    "profile": "test",
    "suites": {MIXED: None},
    "algorithms": {"cql": {"actions": 2}},
    "sharing": {"no_sharing": None, "cds": {"threshold": 80.0}},
    "seeds": 4,
    "seeds_per_job": 2,
}


def changed(path: str, value) -> dict:
    """The valid configuration with one key ("training/steps") set."""
    return with_value(path.split("/"), value)


def with_value(place: list[str], value) -> dict:
    """The valid configuration with a value somewhere. Sections that are missing are made."""
    values = copy.deepcopy(VALID)
    *parents, key = place
    section = values
    for parent in parents:
        if not isinstance(section.get(parent), dict):
            section[parent] = {}
        section = section[parent]
    section[key] = value
    return values
