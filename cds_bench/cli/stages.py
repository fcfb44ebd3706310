"""Commands of the stages, from behaviour policies to scores."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from cds_bench.cli.app import (
    DEFAULT,
    AlgorithmOption,
    BaselineOption,
    ConfigOption,
    PolicyOption,
    SeedsOption,
    SharingOption,
    SuiteOption,
    TaskOption,
    app,
    load_settings,
)
from cds_bench.errors import BenchError


@app.command()
def behaviour(policy: PolicyOption, config: ConfigOption = DEFAULT) -> None:
    """Train a behaviour policy with SAC or PPO and keep snapshots of it.

    Example: `cds-bench behaviour --policy jump`, in a profile with `behaviour: train`
    """
    settings = load_settings(config, policy=policy)
    from cds_bench.behaviour import train_with
    from cds_bench.storage import paths

    if settings.behaviour == "frozen":
        raise BenchError("behaviour: is 'frozen'; set 'behaviour: train' to train the policies")
    chosen = settings.behaviour_training[policy]
    train_with(chosen.learner)(
        policy,
        chosen,
        paths.behaviour(settings, policy),
        paths.behaviour_provenance(settings, policy),
    )


def maker(module: str, task: str) -> ModuleType:
    """The module that makes a task's references or dataset; suites of your own have another."""
    import envs

    own = isinstance(envs.TASKS[task], envs.own.KnownTask)
    return importlib.import_module("cds_bench.dataset.own" if own else module)


@app.command()
def references(task: TaskOption, config: ConfigOption = DEFAULT) -> None:
    """Measure a task's random, behaviour and expert policies, which normalise its scores.

    Example: `cds-bench references --task jump`
    """
    settings = load_settings(config, task=task)
    maker("cds_bench.behaviour.references", task).write_references(settings, task)


@app.command()
def dataset(suite: SuiteOption, task: TaskOption, config: ConfigOption = DEFAULT) -> None:
    """Collect a task's dataset and check its quality.

    Example: `cds-bench dataset --suite walker2d-mixed --task jump`
    """
    settings = load_settings(config, suite=suite, task=task)
    maker("cds_bench.dataset.collect", task).collect(settings, suite, task)


@app.command()
def pool(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Check a suite's datasets, list them in a manifest, and relabel them into one pool.

    Example: `cds-bench pool --suite walker2d-mixed`
    """
    settings = load_settings(config, suite=suite)
    from cds_bench.dataset.manifest import write_manifest
    from cds_bench.dataset.relabel import build_pool

    write_manifest(settings, suite)
    build_pool(settings, suite)


@app.command()
def train(
    suite: SuiteOption,
    algorithm: AlgorithmOption,
    sharing: SharingOption,
    seeds: SeedsOption,
    config: ConfigOption = DEFAULT,
    save_every: Annotated[float, typer.Option(help="Seconds between checkpoints.")] = 60.0,
) -> None:
    """Train one method on a suite's pool, with a group of seeds together.

    If it was interrupted, the same command continues from the last checkpoint. On a GPU, it first
    waits until no other training job uses that GPU. If there are several, it takes a free one.

    Example: `cds-bench train --suite walker2d-mixed --algorithm cql --sharing cds --seeds 0-2`
    """
    settings = load_settings(config, suite=suite, algorithm=algorithm, sharing=sharing)
    from cds_bench.training import gpus
    from cds_bench.training.run import run

    own = settings.of(suite)
    with gpus.alone(own.training.device):
        run(own, suite, algorithm, sharing, seeds, save_every)


@app.command()
def evaluate(
    suite: SuiteOption,
    algorithm: AlgorithmOption,
    sharing: SharingOption,
    seeds: SeedsOption,
    config: ConfigOption = DEFAULT,
) -> None:
    """Roll out the policies of a training job and write their scores.

    Example: `cds-bench evaluate --suite walker2d-mixed --algorithm cql --sharing cds --seeds 0-2`
    """
    settings = load_settings(config, suite=suite, algorithm=algorithm, sharing=sharing)
    from cds_bench.evaluation.evaluate import evaluate

    evaluate(settings.of(suite), suite, algorithm, sharing, seeds)


@app.command("evaluate-policies")
def evaluate_policies(
    files: Annotated[list[Path], typer.Argument(help="One or more policies.safetensors.")],
    baseline: BaselineOption,
    suite: SuiteOption,
    sharing: Annotated[str, typer.Option(help="The value of that column.")] = "no_sharing",
    config: ConfigOption = DEFAULT,
) -> None:
    """Roll out the policies that an external baseline exported and write its scores.

    The protocol is the same as for our own runs. docs/external-baselines.md describes the files.

    Example: `cds-bench evaluate-policies policies/*.safetensors --baseline d3rlpy_cql --suite
    pointmaze-medium-single --config workflow/config/external.yaml`
    """
    settings = load_settings(config, baseline=baseline, suite=suite)
    from cds_bench.evaluation.external import evaluate_policies

    evaluate_policies(settings, baseline, suite, sharing, files)


@app.command("check-baseline")
def check_baseline(
    baseline: BaselineOption, suite: SuiteOption, config: ConfigOption = DEFAULT
) -> None:
    """Check the scores.csv of an external baseline on a suite. Errors name the column and the row.

    Example: `cds-bench check-baseline --baseline d3rlpy_cql --suite pointmaze-medium-single
    --config workflow/config/external.yaml`
    """
    settings = load_settings(config, baseline=baseline, suite=suite)
    from cds_bench.statistics.schema import write_checked

    write_checked(settings, baseline, suite)
