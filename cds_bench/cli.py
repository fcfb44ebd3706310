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
def statistics(config: ConfigOption = DEFAULT) -> None:
    """Merge all runs' results, compare the methods and test the paper's claims.

    Writes scores.csv, failures.csv, shift.csv, comparisons.csv and claims.csv.

    Example: `cds-bench statistics`
    """
    settings = _load(config)
    from cds_bench.statistics.comparisons import write_comparisons
    from cds_bench.statistics.paper_claims import write_claims
    from cds_bench.statistics.schema import checked_baselines, write_scores
    from cds_bench.statistics.shift import write_shift

    write_scores(settings, checked_baselines(settings))
    write_shift(settings)
    write_comparisons(settings)
    write_claims(settings)


@app.command()
def table(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Write a suite's tables of scores and of comparisons as csv, md, tex and html.

    Where the profile has references, also what a perfect selection would gain.

    Example: `cds-bench table --suite walker2d-mixed`
    """
    settings = _load(config, suite=suite)
    from cds_bench.report.oracle import write_oracle_table
    from cds_bench.report.tables import write_comparison_table, write_suite_table

    write_suite_table(settings, suite)
    write_comparison_table(settings, suite)
    write_oracle_table(settings, suite)


@app.command()
def tables(config: ConfigOption = DEFAULT) -> None:
    """Write every table and figure from what there is; what lacks is marked, and why.

    Also while a workflow runs in another terminal. A workflow of which a job failed ends with it.
    Example: `cds-bench tables`
    """
    settings = _load(config)
    from cds_bench.report.everything import write_everything

    print(f"writing tables and figures of what there is in {settings.folder}", flush=True)
    write_everything(settings)


@app.command()
def figures(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Draw a suite's figures: learning curves, aggregates, profiles, and who shares with whom.

    Example: `cds-bench figures --suite walker2d-mixed`
    """
    settings = _load(config, suite=suite)
    from cds_bench.report.figures import write_aggregates, write_learning_curves
    from cds_bench.report.heatmaps import write_sharing

    write_learning_curves(settings, suite)
    write_aggregates(settings, suite)
    for algorithm in settings.algorithms:
        write_sharing(settings, suite, algorithm)


@app.command()
def shift(config: ConfigOption = DEFAULT) -> None:
    """Write how far policies moved from their data beside their scores: a table and a figure.

    Example: `cds-bench shift`
    """
    settings = _load(config)
    from cds_bench.report.shift import write_distribution_shift

    write_distribution_shift(settings)


@app.command()
def ranks(config: ConfigOption = DEFAULT) -> None:
    """Rank the methods over the tasks of all suites: a table and a figure.

    Example: `cds-bench ranks`
    """
    settings = _load(config)
    from cds_bench.report.ranks import write_ranks

    write_ranks(settings)


@app.command()
def claims(config: ConfigOption = DEFAULT) -> None:
    """Write what the scores say of the paper's claims, as csv, md, tex and html.

    Example: `cds-bench claims`
    """
    settings = _load(config)
    from cds_bench.report.paper_claims import write_claims_table

    write_claims_table(settings)


@app.command()
def regime(config: ConfigOption = DEFAULT) -> None:
    """Check whether the runs were long enough to judge strategies by, and show the table.

    Example: `cds-bench regime`
    """
    settings = _load(config)
    from cds_bench.report.regime import write_regime
    from cds_bench.report.render import markdown

    print(markdown(write_regime(settings)))


@app.command()
def coverage(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Draw what a suite's datasets cover, and write what they are worth to each task.

    Example: `cds-bench coverage --suite walker2d-mixed`
    """
    settings = _load(config, suite=suite)
    from cds_bench.report.coverage import write_coverage

    write_coverage(settings, suite)


@app.command()
def selection(suite: SuiteOption, config: ConfigOption = DEFAULT) -> None:
    """Write whether strategies select what pays: tables and a figure of weights over returns-to-go.

    Example: `cds-bench selection --suite door-drawer`
    """
    settings = _load(config, suite=suite)
    from cds_bench.report.selection import write_selection

    write_selection(settings, suite)


@app.command()
def headroom(
    suite: SuiteOption,
    config: ConfigOption = DEFAULT,
    discount: Annotated[
        float | None, typer.Option(help="That of the suite's first algorithm, if left out.")
    ] = None,
) -> None:
    """Show what other tasks' data are worth to each task, from the pool, before any training.

    Example: `cds-bench headroom --suite door-drawer`
    """
    settings = _load(config, suite=suite)
    from cds_bench import workflow
    from cds_bench.report.headroom import write_headroom
    from cds_bench.report.render import markdown

    chosen = workflow.discount(settings, suite) if discount is None else discount
    print(markdown(write_headroom(settings, suite, chosen)))


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
