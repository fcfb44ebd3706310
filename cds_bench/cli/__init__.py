"""The command line: one subcommand per stage, which also works without Snakemake.

Each command imports only its own stage, so that `--help` and the light stages start quickly.
"""

import io
import os
import signal
import sys

from cds_bench.cli import exchange, looking, packing, results, stages
from cds_bench.cli.app import app
from cds_bench.errors import BenchError
from envs.specs import WorldError

__all__ = ["app", "exchange", "looking", "main", "packing", "results", "stages"]

TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Runs a command. Errors that a user can fix end in one plain message and exit status 1.

    SIGTERM ends a command as an error does, so that it leaves no temporary files. Python's own end
    is skipped then: with torch it can take seconds, and a batch system gives few.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale without × or − ends nothing
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _end)
    try:
        app()
    except SystemExit as end:
        if end.code != TERMINATED:
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(TERMINATED)
    except (BenchError, WorldError) as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: the package '{error.name}' is not installed here; run `make setup` and use "
            "the environment that it makes (.venv)"
        )


def _end(number: int, _frame) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would cut the cleaning short
    sys.exit(TERMINATED)
