"""The command line: one subcommand per stage, which also works without Snakemake.

Each command imports only its own stage, so that `--help` and the light stages start quickly.
"""

import sys

from cds_bench.cli import exchange, looking, results, stages
from cds_bench.cli.app import app
from cds_bench.errors import BenchError
from envs.specs import WorldError

__all__ = ["app", "exchange", "looking", "main", "results", "stages"]


def main() -> None:
    """Runs a command. Errors that a user can fix end in one plain message and exit status 1."""
    try:
        app()
    except (BenchError, WorldError) as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: the package '{error.name}' is not installed here; run `make setup` and use "
            "the environment that it makes (.venv)"
        )
