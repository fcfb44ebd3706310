"""Whether a profile trains long enough for its critics, computed from the configuration alone.

A bootstrapped value travels one step of the horizon in 1 / target_rate updates. The horizon has
1 / (1 - discount) steps, so a run covers it

    steps x target_rate x (1 - discount)

times. Below 3, the critic has seen only a part of its horizon, and the comparison of strategies is
a comparison of clones of their data [ours].
"""

import math

from cds_bench.config import Config, plugins

LEAST = 3.0  # the horizons that every run needs
WANTED = 5.0  # the horizons that a reported profile needs
REQUIRED = {"default": LEAST}  # profile -> horizons; all other profiles need WANTED
CLONING = "bc"  # the algorithm that trains its policy without a critic


def horizons(config: Config, suite: str, algorithm: str) -> float:
    """How often training covers the critic's horizon; NaN if the policy has no critic."""
    if config.module("algorithms", algorithm) == CLONING:
        return math.nan
    steps, rate, discount = _schedule(config, suite, algorithm)
    return steps * rate * (1 - discount)


def warnings(config: Config) -> list[str]:
    """A sentence for each suite and algorithm below LEAST, with the numbers and the remedy."""
    found = []
    for suite in config.suites:
        for algorithm in config.algorithms:
            covered = horizons(config, suite, algorithm)
            if covered < LEAST:
                found.append(_warning(config, suite, algorithm, covered))
    return found


def _warning(config: Config, suite: str, algorithm: str, covered: float) -> str:
    steps, rate, discount = _schedule(config, suite, algorithm)
    enough = math.ceil(round(LEAST / (rate * (1 - discount)), 6))
    quicker = LEAST / (steps * (1 - discount))
    remedy = f"raise training.steps to {enough:,}"
    if quicker < 1:
        remedy += f" or the target_rate of {algorithm} to {_up(quicker):g}"
    return (
        f"{suite}, {algorithm}: {steps:,} steps at a target rate of {rate:g} cover "
        f"{covered:.2g} horizons of discount {discount:g}; a critic needs at least {LEAST:g} to "
        f"see its horizon: {remedy}"
    )


def _up(value: float) -> float:
    """The value rounded up to two digits, so that the suggested value is high enough."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(round(value / unit, 6)) * unit


def _schedule(config: Config, suite: str, algorithm: str) -> tuple[int, float, float]:
    """Steps, target rate and discount of an algorithm on a suite, including defaults."""
    own = config.of(suite)
    module = own.module("algorithms", algorithm)
    options = plugins.defaults("algorithms", module) | own.algorithms[algorithm]
    return own.training.steps, options["target_rate"], options["discount"]
