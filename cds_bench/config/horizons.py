"""Whether a profile trains long enough for a critic to exist, from its configuration alone.

A bootstrapped value travels one step of the horizon in 1 / target_rate updates, so a run covers

    steps x target_rate x (1 - discount)

of the horizon 1 / (1 - discount). Below 3 the critic has seen a part of its horizon only, and the
strategies are compared on clones of their data [ours].
"""

import math

from cds_bench.config import Config, plugins

LEAST = 3.0  # horizons that any run needs
WANTED = 5.0  # horizons of a reported profile
REQUIRED = {"default": LEAST}  # profile -> horizons; the others need WANTED
CLONING = "bc"  # the algorithm whose policy never sees a critic


def horizons(config: Config, suite: str, algorithm: str) -> float:
    """How often training covers the critic's horizon; NaN where the policy has no critic."""
    if config.module("algorithms", algorithm) == CLONING:
        return math.nan
    steps, rate, discount = _schedule(config, suite, algorithm)
    return steps * rate * (1 - discount)


def warnings(config: Config) -> list[str]:
    """A sentence for each suite and algorithm below LEAST: the numbers, and what to change."""
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
    """Rounded up to two digits, so that the value suggested is enough."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(round(value / unit, 6)) * unit


def _schedule(config: Config, suite: str, algorithm: str) -> tuple[int, float, float]:
    """Steps, target rate and discount of an algorithm on a suite, defaults included."""
    own = config.of(suite)
    module = own.module("algorithms", algorithm)
    options = plugins.defaults("algorithms", module) | own.algorithms[algorithm]
    return own.training.steps, options["target_rate"], options["discount"]
