"""The typed configuration: one source of keys, defaults and checks.

A profile is one YAML file and the whole command. Rules pass a part of it, as JSON, with the keys
that their stage uses; the keys left out keep their defaults and are not read.
"""

from cds_bench.config.checks import complete
from cds_bench.config.parsing import load, parse, parse_profile
from cds_bench.config.passing import options, part
from cds_bench.config.profile import Config
from cds_bench.config.sections import BehaviourTraining, PPOTraining, Protocol, SACTraining

__all__ = [
    "BehaviourTraining", "Config", "PPOTraining", "Protocol", "SACTraining",
    "complete", "load", "options", "parse", "parse_profile", "part",
]  # fmt: skip
