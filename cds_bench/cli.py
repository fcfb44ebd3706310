"""The command line: one subcommand per stage, usable without Snakemake.

Each command imports its own stage only, so that `--help` and the light stages start at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cds_bench.errors import BenchError
from envs.specs import WorldError

app = typer.Typer(
    help="A reproducible benchmark of data sharing in multi-task offline reinforcement learning.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)

ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", help="A profile's YAML file, or a JSON object with the keys that are used."
    ),
]
SuiteOption = Annotated[str, typer.Option(help="For example walker2d-mixed.")]
TaskOption = Annotated[str, typer.Option(help="For example run-forward.")]
PolicyOption = Annotated[str, typer.Option(help="For example jump, or ant-reach.")]
AlgorithmOption = Annotated[str, typer.Option(help="For example cql.")]
SharingOption = Annotated[str, typer.Option(help="For example cds.")]
BaselineOption = Annotated[str, typer.Option(help="For example d3rlpy_cql.")]
SeedsOption = Annotated[str, typer.Option(help="First and last seed of the group, like 0-2.")]
DEFAULT = "workflow/config/default.yaml"


def _load(source: str, **names: str):
    """The configuration, with a plain error for a suite, task or plug-in that it does not name.

    Without suites, as the rules of what suites share pass it, every task and policy is valid.
    """
    import envs
    from cds_bench.config import load
    from cds_bench.errors import nearest

    config = load(source)
    valid = {
        "suite": config.suites,
        "task": config.tasks() or envs.TASKS,
        "policy": config.policies() or envs.POLICIES,
        "algorithm": config.algorithms,
        "sharing": config.sharing,
        "baseline": config.baselines,
    }
    for key, name in names.items():
        if name not in valid[key]:
            raise BenchError(f"--{key}: '{name}' is not configured{nearest(name, valid[key])}")
    pair = names.get("algorithm"), names.get("sharing")
    if None not in pair and pair not in config.methods:
        raise BenchError(
            f"--sharing: '{pair[1]}' is not among the strategies of {pair[0]}"
            f"{nearest(pair[1], config.strategies(pair[0]))}"
        )
    return config


def _warn(settings) -> None:
    """Says on standard error which algorithms are trained for too few steps."""
    from cds_bench.regime import warnings

    for warning in warnings(settings):
        print(f"warning: {warning}", file=sys.stderr)


@app.command("config")
def show(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration and print it whole, defaults included.

    Example: `cds-bench config --config workflow/config/smoke.yaml`
    """
    settings = _load(config)
    print(settings.model_dump_json(indent=2))
    _warn(settings)


@app.command()
def behaviour(policy: PolicyOption, config: ConfigOption = DEFAULT) -> None:
    """Train a behaviour policy with SAC or PPO and keep snapshots of it.

    Example: `cds-bench behaviour --policy jump`, in a profile with `behaviour: train`
    """
    settings = _load(config, policy=policy)
    from cds_bench import paths
    from cds_bench.behaviour import train_with

    if settings.behaviour == "frozen":
        raise BenchError("behaviour: is 'frozen'; set 'behaviour: train' to train the policies")
    chosen = settings.behaviour_training[policy]
    train_with(chosen.learner)(
        policy,
        chosen,
        paths.behaviour(settings, policy),
        paths.behaviour_provenance(settings, policy),
    )


@app.command()
def references(task: TaskOption, config: ConfigOption = DEFAULT) -> None:
    """Measure a task's random, behaviour and expert policies: what scores are normalised by.

    Example: `cds-bench references --task jump`
    """
    settings = _load(config, task=task)
    from cds_bench.behaviour.references import write_references

    write_references(settings, task)


@app.command()
def dataset(suite: SuiteOption, task: TaskOption, config: ConfigOption = DEFAULT) -> None:
    """Collect a task's dataset and check its quality.

    Example: `cds-bench dataset --suite walker2d-mixed --task jump`
    """
    settings = _load(config, suite=suite, task=task)
    from cds_bench.dataset.collect import collect

    collect(settings, suite, task)


@app.command()
def pool(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Check a suite's datasets, list them in a manifest, and relabel them into one pool.

    Example: `cds-bench pool --suite walker2d-mixed`
    """
    settings = _load(config, suite=suite)
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
    """Train one method on a suite's pool, a group of seeds together.

    Interrupted and called again, it goes on from its last checkpoint.

    Example: `cds-bench train --suite walker2d-mixed --algorithm cql --sharing cds --seeds 0-2`
    """
    settings = _load(config, suite=suite, algorithm=algorithm, sharing=sharing)
    from cds_bench.training.run import run

    run(settings.of(suite), suite, algorithm, sharing, seeds, save_every)


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
    settings = _load(config, suite=suite, algorithm=algorithm, sharing=sharing)
    from cds_bench.evaluation.evaluate import evaluate

    evaluate(settings.of(suite), suite, algorithm, sharing, seeds)


@app.command("evaluate-policies")
def evaluate_policies(
    files: Annotated[list[Path], typer.Argument(help="policies.safetensors, one or more.")],
    baseline: BaselineOption,
    sharing: Annotated[str, typer.Option(help="What stands in that column.")] = "no_sharing",
    config: ConfigOption = DEFAULT,
) -> None:
    """Roll out the policies that an external baseline exported and write its scores.

    The protocol is that of our own runs; docs/external-baselines.md describes the files.

    Example: `cds-bench evaluate-policies policies/*.safetensors --baseline d3rlpy_cql --config
    workflow/config/external.yaml`
    """
    settings = _load(config, baseline=baseline)
    from cds_bench.evaluation.external import evaluate_policies

    evaluate_policies(settings, baseline, sharing, files)


@app.command("check-baseline")
def check_baseline(baseline: BaselineOption, config: ConfigOption = DEFAULT) -> None:
    """Check the scores.csv of an external baseline; what is wrong is named by column and row.

    Example: `cds-bench check-baseline --baseline d3rlpy_cql --config workflow/config/external.yaml`
    """
    settings = _load(config, baseline=baseline)
    from cds_bench.statistics.schema import write_checked

    write_checked(settings, baseline)


@app.command()
def render(
    suite: Annotated[str, typer.Argument(help="For example door-drawer.")],
    task: Annotated[str, typer.Argument(help="For example drawer-open.")],
    policy: Annotated[
        str, typer.Option(help="random, behaviour, expert, or the folder of a trained run.")
    ] = "behaviour",
    seed: Annotated[int, typer.Option(help="Another start and other noise.")] = 0,
    output: Annotated[Path | None, typer.Option(help="The GIF to write.")] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write a GIF of one episode of a random, behaviour, expert or trained policy.

    Example: `cds-bench render door-drawer drawer-open --policy expert`
    """
    settings = _load(config)
    from cds_bench.evaluation.render import render

    print(render(settings, suite, task, policy, seed, output))


@app.command()
def statistics(
    suite: Annotated[str, typer.Option(help="Only this suite, from its runs.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Merge the results of a suite's runs and compare its methods; or put all suites together.

    With a suite it writes scores/, failures/, shift/ and comparisons/<suite>.csv. Without, it
    writes the same files for the whole profile from those of the suites, and claims.csv.

    Example: `cds-bench statistics --suite walker2d-mixed`
    """
    settings = _load(config, **({"suite": suite} if suite else {}))
    from cds_bench.statistics.merging import write_profile, write_suite

    write_suite(settings, suite) if suite else write_profile(settings)


@app.command()
def make(
    target: Annotated[str, typer.Argument(help="For example table, headroom or table_ranks.")],
    suite: Annotated[str, typer.Option(help="Of a target that each suite has.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Write the tables and figures of one target, and show the tables as Markdown.

    Targets are named as in the workflow: `snakemake table_walker2d_mixed` also makes what the
    table needs, this command expects that to be there. An unknown target lists all.

    Example: `cds-bench make table --suite walker2d-mixed`
    """
    settings = _load(config, **({"suite": suite} if suite else {}))
    from cds_bench.report.making import make
    from cds_bench.report.render import markdown

    for made in make(settings, target, suite):
        print(markdown(made))


@app.command()
def tables(config: ConfigOption = DEFAULT) -> None:
    """Write every table and figure from the results so far; gaps are marked with the reason.

    It can be used while a workflow runs in another terminal. Snakemake also runs it after a failed
    job.

    Example: `cds-bench tables`
    """
    settings = _load(config)
    from cds_bench.report.everything import write_everything

    print(f"writing tables and figures of the results so far in {settings.folder}", flush=True)
    write_everything(settings)


@app.command()
def report(config: ConfigOption = DEFAULT) -> None:
    """Write report.html: one page with tables, figures, runs, datasets and their provenance.

    Example: `cds-bench report`
    """
    settings = _load(config)
    from cds_bench.report.page import write_page

    write_page(settings)


@app.command()
def plan(
    config: ConfigOption = DEFAULT,
    cores: Annotated[int | None, typer.Option(help="Of the workflow; all, if left out.")] = None,
) -> None:
    """Estimate what a profile costs here, from a short measurement: hours, disk, memory.

    Example: `cds-bench plan --config workflow/config/paper.yaml`
    """
    settings = _load(config)
    from cds_bench.budget import plan

    print(plan(settings, cores))
    _warn(settings)


@app.command()
def status(
    config: ConfigOption = DEFAULT,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 s.")] = False,
) -> None:
    """Show what of a profile is done, running, stopped, failed or missing, also while it runs.

    Example: `cds-bench status --watch`
    """
    settings = _load(config)
    from cds_bench import status as looking

    looking.watch(settings) if watch else print(looking.status(settings))


def main() -> None:
    """Runs a command; what a user can mend ends with one plain message and exit status 1."""
    try:
        app()
    except (BenchError, WorldError) as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: the package '{error.name}' is not installed here; run `make setup` and use "
            "the environment that it makes (.venv)"
        )
