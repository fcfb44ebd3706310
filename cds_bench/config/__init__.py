"""The typed configuration: one source of keys, defaults and checks.

A profile is one YAML file that describes a whole run. Each rule passes the keys that its stage uses
to its job, as JSON. All other keys keep their defaults there, and the job does not read them.
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
