"""Commands that exchange datasets with other projects."""

from pathlib import Path
from typing import Annotated

import typer

from cds_bench.cli.app import DEFAULT, ConfigOption, app, load_settings


@app.command("import")
def import_dataset(
    source: Annotated[
        str, typer.Argument(help="D4RL's HDF5 file, a Minari dataset's folder, or `minari:<id>`.")
    ],
    output: Annotated[Path, typer.Argument(help="The HDF5 file to write.")],
) -> None:
    """Read a D4RL or Minari dataset, check it, and write its transitions in D4RL's schema.

    A suite of your own reads both formats directly; docs/adding-a-suite.md says how.

    Example: `cds-bench import minari:mujoco/hopper/medium-v0 suites/hopper/medium.hdf5`
    """
    from cds_bench.dataset.importing import convert

    print(convert(source, output))


@app.command()
def export(
    suite: Annotated[str, typer.Argument(help="For example walker2d-mixed.")],
    form: Annotated[str, typer.Option("--format", help="d4rl or minari.")],
    output: Annotated[
        Path | None,
        typer.Option(help="The folder for it; by default `results/<profile>/export/<format>`."),
    ] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Write a suite's datasets for D4RL's or Minari's readers, with a croissant.json.

    Minari finds them with MINARI_DATASETS_PATH set to the folder.

    Example: `cds-bench export walker2d-mixed --format minari`
    """
    settings = load_settings(config, prefix="", suite=suite)
    from cds_bench.dataset.exporting import export

    for path in export(settings, suite, form, output or settings.folder / "export" / form):
        print(path)
