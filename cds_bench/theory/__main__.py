"""`python -m cds_bench.theory --out DIR` writes theory.{csv,md,png,svg} and three summaries."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.report import plotting, table_formats
from cds_bench.storage import files
from cds_bench.theory.claims import conditions, ordering, routed, safe, summarise
from cds_bench.theory.figure import figure
from cds_bench.theory.simulate import FULL, TINY, simulate
from cds_bench.theory.table import table


def main(
    out: Annotated[Path, typer.Option(help="The folder for the results.")],
    mdps: Annotated[int | None, typer.Option(help="The number of random MDPs.")] = None,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Use a small setting that takes seconds.")
    ] = False,
) -> None:
    """Computes safe policy improvement and the paper's bound exactly on random MDPs."""
    try:
        settings = TINY if tiny else FULL
        settings = settings if mdps is None else replace(settings, mdps=mdps)
        with Progress("theory", settings.mdps * len(settings.cases)) as progress:
            frame = simulate(settings, progress.update)
        write(frame, out)
    except BenchError as error:
        raise SystemExit(f"error: {error}") from error
    print(safe(frame)[1])
    print(routed(frame)[1])


def write(frame, out: Path) -> None:
    files.write_csv(out / "theory.csv", frame)
    files.write_csv(out / "summary.csv", summarise(frame))
    files.write_csv(out / "conditions.csv", conditions(frame))
    files.write_csv(out / "ordering.csv", ordering(frame))
    files.write_text(out / "theory.md", table_formats.markdown(table(frame)))
    with plotting.style():
        plotting.save_as(figure(frame), lambda extension: out / f"theory.{extension}")


typer.run(main)
