"""Parts that all commands use: the application, the common options, and the configuration."""

import sys
from typing import Annotated

import typer

from cds_bench.errors import BenchError, nearest

app = typer.Typer(
    help="A reproducible benchmark of data sharing in multi-task offline reinforcement learning.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)

ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", help="A profile's YAML file, or a JSON object with the keys that are needed."
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


def load_settings(source: str, prefix: str = "--", **names: str):
    """Loads the configuration. A suite, task or plug-in that it does not name is an error.

    prefix: stands before the key in that error; "" if the name is an argument and no option.

    Rules for files that suites share pass a configuration without suites. Every task and policy is
    valid then.
    """
    import envs
    from cds_bench.config import load

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
            raise BenchError(
                f"{prefix}{key}: '{name}' is not configured{nearest(name, valid[key])}"
            )
    pair = names.get("algorithm"), names.get("sharing")
    if None not in pair and pair not in config.methods:
        raise BenchError(
            f"--sharing: '{pair[1]}' is not among the strategies of {pair[0]}"
            f"{nearest(pair[1], config.strategies(pair[0]))}"
        )
    return config


def load_profile(source: str, **names: str):
    """Like `load_settings`, for commands about all runs: the seeds per job are a number.

    A rule passes only the keys that its job reads, as JSON. Without `seeds`, the job does not look
    at runs, so their groups stay open.
    """
    from cds_bench.planning.stacking import settle

    settings = load_settings(source, **names)
    part = source.lstrip().startswith("{") and "seeds" not in settings.model_fields_set
    return settings if part else settle(settings)[0]


def warn_short(settings) -> None:
    """Prints a warning on standard error for each algorithm that is trained for too few steps."""
    from cds_bench.config.horizons import warnings

    for warning in warnings(settings):
        print(f"warning: {warning}", file=sys.stderr)
