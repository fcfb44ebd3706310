"""Commands that turn runs into results: statistics, tables, figures and the report page."""

from typing import Annotated

import typer

from cds_bench.cli.app import (
    DEFAULT,
    ConfigOption,
    app,
    load_profile,
    load_settings,
)
from cds_bench.errors import BenchError


@app.command()
def statistics(
    suite: Annotated[str, typer.Option(help="Use only this suite and its runs.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Merge the results of a suite's runs and compare its methods, or merge all suites.

    With --suite it writes scores/, failures/, shift/ and `comparisons/<suite>.csv`. Without it, the
    same files for the whole profile are made from those of the suites, and also claims.csv.

    Example: `cds-bench statistics --suite walker2d-mixed`
    """
    settings = load_profile(config, **({"suite": suite} if suite else {}))
    from cds_bench.statistics.merging import write_profile, write_suite

    write_suite(settings, suite) if suite else write_profile(settings)


@app.command()
def theory(config: ConfigOption = DEFAULT) -> None:
    """Test the paper's theory exactly on random MDPs: safe improvement and the bound.

    It writes theory/theory.csv and four summaries. The profile's key `theory` is the size: tiny
    takes seconds, full takes two minutes.

    Example: `cds-bench theory --config workflow/config/study.yaml`
    """
    settings = load_settings(config)
    from cds_bench.theory.results import write_theory

    write_theory(settings)


@app.command()
def make(
    target: Annotated[str, typer.Argument(help="For example table, headroom or table_ranks.")],
    suite: Annotated[str, typer.Option(help="Needed if the target is made per suite.")] = "",
    config: ConfigOption = DEFAULT,
) -> None:
    """Write the tables and figures of one target, and show the tables as Markdown.

    Targets have the same names as in the workflow. `snakemake table_walker2d_mixed` also makes the
    files that the table needs; this command expects them to exist. The error for an unknown target
    lists all targets.

    Example: `cds-bench make table --suite walker2d-mixed`
    """
    settings = load_profile(config, **({"suite": suite} if suite else {}))
    from cds_bench.report.making import make
    from cds_bench.report.table_formats import markdown

    for made in make(settings, target, suite):
        print(markdown(made))


@app.command()
def tables(config: ConfigOption = DEFAULT) -> None:
    """Write every table and figure from the results so far; gaps are marked with the reason.

    It can be used while a workflow runs in another terminal. Snakemake also runs it after a failed
    job.

    Example: `cds-bench tables`
    """
    settings = load_profile(config)
    from cds_bench.report.results_so_far import write_results_so_far

    print(f"writing tables and figures of the results so far in {settings.folder}", flush=True)
    write_results_so_far(settings)


@app.command()
def report(config: ConfigOption = DEFAULT) -> None:
    """Write report.html, one page with tables, figures, runs, datasets and their provenance.

    Example: `cds-bench report`
    """
    settings = load_profile(config)
    from cds_bench.report.page import write_page

    made = ("scores.csv", "runs", "datasets", "baselines")
    if not any((settings.folder / name).exists() for name in made):
        raise BenchError(
            f"{settings.folder}: there are no results of the profile '{settings.profile}'; run "
            "the workflow first, or name another profile with --config"
        )

    write_page(settings)
