"""Commands that move finished runs between machines."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cds_bench.cli.app import DEFAULT, ConfigOption, app, load_profile


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Where the packed runs are written.")],
    policies: Annotated[bool, typer.Option(help="Pack the policies too; they are large.")] = False,
    config: ConfigOption = DEFAULT,
) -> None:
    """Pack every finished run of a profile, one small file each, to move it to another machine.

    Without policies, tables and the page can be made, but the runs can't be evaluated again.

    Example: `cds-bench pack packed --config workflow/config/study.yaml`
    """
    settings = load_profile(config)
    from cds_bench.packing.transfer import pack

    packed = pack(settings, folder, policies)
    size = sum(path.stat().st_size for path in packed)
    print(f"{folder}: {len(packed)} finished runs, {size / 2**20:.1f} MiB")


@app.command()
def unpack(
    sources: Annotated[list[Path], typer.Argument(help="Packed runs, or folders with them.")],
    code: Annotated[
        list[str] | None, typer.Option(help="Accept runs of this other code too (a fingerprint).")
    ] = None,
    config: ConfigOption = DEFAULT,
) -> None:
    """Place packed runs into the results of a profile. The workflow then does not train them.

    Runs with another configuration, pool or code are refused, and the keys that differ are named.
    The pools must be there: `snakemake --cores all --until pool` makes them.

    Example: `cds-bench unpack packed --config workflow/config/study.yaml`
    """
    settings = load_profile(config)
    from cds_bench.packing.transfer import RUN, places, unpack

    placed, lines = unpack(settings, sources, code or [])
    wanted = (places(settings, run) for run in placed)
    register(config, [str(path) for of in wanted for path in (of[RUN], of["scores.csv"])])
    print("\n".join([*lines, f"{settings.folder}: {len(placed)} runs placed"]))
    if any(line.startswith("refused: ") for line in lines):
        sys.exit(1)


def register(config: str, files: list[str]) -> None:
    """Tells Snakemake that files are results of the present rules, if there is a workflow here.

    It then also notices later edits of configuration and code. Files of other rules are left alone.
    """
    if not (files and Path("Snakefile").exists() and shutil.which("snakemake")):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as written:
        if config.lstrip().startswith("{"):
            json.dump(json.loads(config), written)
            written.flush()
            config = written.name
        command = ["snakemake", "--touch", "--force", "--cores", "1", "--quiet=all", *files]
        command += ["--allowed-rules", "train", "evaluate", "--configfile", config]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"warning: Snakemake did not take note of the runs:\n{done.stdout}", file=sys.stderr)
