"""Checks of a whole profile: names must exist, and keys must agree with each other."""

import pydantic

import envs
from cds_bench.config import plugins
from cds_bench.config.profile import Config, training_of
from cds_bench.config.refusals import refusal
from cds_bench.config.sections import Training
from cds_bench.config.snapshots import snapshot_steps
from cds_bench.errors import BenchError, nearest


def check_names(config: Config) -> None:
    for name, suite in config.suites.items():
        if name not in envs.SUITES:
            raise BenchError(
                f"suites: unknown name '{name}'{nearest(name, envs.SUITES)}; a suite of your own "
                f"lies in suites/{name}/suite.py"
            )
        for task in suite.sizes:
            if task not in (tasks := envs.SUITES[name].tasks):
                raise BenchError(
                    f"suites.{name}.sizes: unknown task '{task}'{nearest(task, tasks)}"
                )
    for kind in ("algorithms", "sharing"):
        for name, options in getattr(config, kind).items():
            plugins.check(kind, name, options)
    for name, options in config.algorithms.items():
        if plugins.SHARING in options:
            plugins.check_strategies(name, options[plugins.SHARING], config.sharing)
    for name in config.baselines:
        plugins.check_baseline(name, [*config.algorithms, *config.sharing])
    for quality in config.datasets.bands:
        if quality not in envs.BANDS:
            raise BenchError(
                f"datasets.bands: unknown quality '{quality}'{nearest(quality, envs.BANDS)}"
            )
    for policy in config.behaviour_training:
        if policy not in envs.POLICIES:
            raise BenchError(
                f"behaviour_training: unknown policy '{policy}'{nearest(policy, envs.POLICIES)}"
            )
    for name in config.domains:
        if name not in envs.DOMAINS:
            raise BenchError(f"domains: unknown name '{name}'{nearest(name, envs.DOMAINS)}")
        _check_domain(config, name)
    if config.seeds_per_job != "auto" and config.seeds % config.seeds_per_job:
        raise BenchError(
            f"seeds: {config.seeds} is not a multiple of seeds_per_job ({config.seeds_per_job}); "
            "with whole groups, adding seeds repeats no training"
        )


def _check_domain(config: Config, name: str) -> None:
    domain = config.domains[name]
    for algorithm, options in domain.algorithms.items():
        if algorithm not in config.algorithms:
            raise BenchError(
                f"domains.{name}.algorithms: '{algorithm}' is not among the configured algorithms"
                f"{nearest(algorithm, config.algorithms)}"
            )
        if plugins.SHARING in options:
            raise BenchError(
                f"domains.{name}.algorithms.{algorithm}: the key '{plugins.SHARING}' can't differ "
                f"by domain; set algorithms.{algorithm}.{plugins.SHARING}"
            )
        plugins.check("algorithms", algorithm, options)
    for key in domain.training:
        if key not in Training.model_fields:
            raise BenchError(
                f"domains.{name}.training: unknown key '{key}'{nearest(key, Training.model_fields)}"
            )
    try:
        training_of(config, domain)
    except pydantic.ValidationError as error:
        raise refusal(error, f"domains.{name}.training.") from None


def complete(config: Config, origin: str) -> Config:
    """Checks that a profile is complete, and returns it.

    It must name suites, algorithms, sharing strategies and the reference. The reference must be a
    method, and at least one algorithm must be trained with each strategy.
    """
    for key in ("suites", "algorithms", "sharing"):
        if not getattr(config, key):
            raise BenchError(f"{origin}: {key}: name at least one")
    if config.protocol.reference not in config.sharing:
        raise BenchError(
            f"{origin}: protocol.reference: '{config.protocol.reference}' is not among the "
            f"configured sharing strategies{nearest(config.protocol.reference, config.sharing)}"
        )
    if config.protocol.reference in config.references:
        raise BenchError(
            f"{origin}: protocol.reference: '{config.protocol.reference}' is a reference, not a "
            "method; name a strategy that competes"
        )
    for suite in config.suites:
        try:
            snapshot_steps(config.of(suite))
        except BenchError as error:
            raise BenchError(f"{origin}: {suite}: {error}") from None
    lonely = [name for name in config.suites if len(envs.SUITES[name].tasks) == 1]
    halves = [name for name in config.sharing if _composition(config, name) == "balanced"]
    if lonely and halves:
        raise BenchError(
            f"{origin}: sharing.{halves[0]}: half of each batch comes from other tasks' data, but "
            f"the suite '{lonely[0]}' has only one task; remove one of the two"
        )
    trained = {sharing for _, sharing in config.methods}
    if unused := [name for name in config.sharing if name not in trained]:
        raise BenchError(
            f"{origin}: sharing.{unused[0]}: no algorithm is trained with it; remove it, or add it "
            f"to an algorithm's list '{plugins.SHARING}'"
        )
    return config


def _composition(config: Config, sharing: str) -> str:
    """The first word of a strategy's batches: own, union or balanced."""
    defaults = plugins.defaults("sharing", config.module("sharing", sharing))
    return (defaults | config.sharing[sharing])["batch"].partition("_")[0]
