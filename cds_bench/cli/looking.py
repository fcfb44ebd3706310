"""Commands that show a configuration, its costs, the state of its runs, or a film."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cds_bench.cli.app import (
    DEFAULT,
    ConfigOption,
    app,
    load_profile,
    load_settings,
    warn_short,
)


@app.command("config")
def show(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration and print it with all defaults.

    Example: `cds-bench config --config workflow/config/smoke.yaml`
    """
    from cds_bench.planning.stacking import settle

    settings, stacked = settle(load_settings(config))
    print(settings.model_dump_json(indent=2))
    if stacked.reason:
        print(f"seeds_per_job: {stacked}", file=sys.stderr)
    warn_short(settings)


@app.command()
def render(
    suite: Annotated[str, typer.Argument(help="For example door-drawer.")],
    task: Annotated[str, typer.Argument(help="For example drawer-open.")],
    policy: Annotated[
        str, typer.Option(help="random, behaviour, expert, or the folder of a trained run.")
    ] = "behaviour",
    seed: Annotated[int, typer.Option(help="Chooses the start and the noise.")] = 0,
    output: Annotated[Path | None, typer.Option(help="The GIF to write.")] = None,
    seconds: Annotated[
        float,
        typer.Option(min=0.2, max=60.0, help="Show a longer episode in this time, sped up."),
    ] = 6.0,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write a GIF of one episode of a random, behaviour, expert or trained policy.

    Example: `cds-bench render door-drawer drawer-open --policy expert`
    """
    settings = load_settings(config)
    from cds_bench.evaluation.film import film

    print(film(settings, suite, task, policy, seed, output, seconds))


@app.command()
def tensorboard(config: ConfigOption = DEFAULT) -> None:
    """Write the logged metrics as TensorBoard's event files, a folder per run and seed.

    It needs the package tensorboard, which is not locked: `.venv/bin/pip install tensorboard`.

    Example: `cds-bench tensorboard`, then `tensorboard --logdir results/default/tensorboard`
    """
    settings = load_profile(config)
    from cds_bench.report.tensorboard import write_events

    print(f"event files: {write_events(settings)}")


@app.command()
def plan(
    config: ConfigOption = DEFAULT,
    cores: Annotated[int | None, typer.Option(help="Cores to use; all by default.")] = None,
) -> None:
    """Estimate what a profile costs here, from a short measurement: jobs, hours, disk, memory.

    The measurements are also left in the results folder (plan.json). On a cluster, jobs then ask
    for twice the time and memory that was measured. If the profile has `seeds_per_job: auto`, the
    number that fits this machine is left there too (seeds_per_job.json), and the workflow uses it.

    Example: `cds-bench plan --config workflow/config/paper.yaml`
    """
    from cds_bench.planning import requests, stacking
    from cds_bench.planning.text import estimate

    settings, stacked = stacking.settle(load_settings(config))
    text, needs = estimate(settings, cores)
    stacking.keep(settings, stacked)
    print(
        f"{text}\nSeeds per job: {stacked}.\n"
        f"Jobs on a cluster ask for memory and time by {requests.write(settings, needs)}."
    )
    warn_short(settings)


@app.command()
def status(
    config: ConfigOption = DEFAULT,
    again: Annotated[bool, typer.Option("--watch", help="Look again every 5 s.")] = False,
) -> None:
    """Show which runs of a profile are done, running, stopped, failed or missing, at any time.

    Example: `cds-bench status --watch`
    """
    settings = load_profile(config)
    from cds_bench.status.command import text, watch

    watch(settings) if again else print(text(settings))
