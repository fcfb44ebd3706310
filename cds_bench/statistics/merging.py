"""Writes the statistics of each suite, and merges them for the whole profile."""

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.statistics.claims import write_claims
from cds_bench.statistics.comparisons import write_comparisons
from cds_bench.statistics.schema import write_scores
from cds_bench.statistics.shift import write_shift
from cds_bench.storage import files


def write_suite(config: Config, suite: str) -> None:
    """Writes a suite's scores, failures, shift and comparisons from its own runs."""
    write_scores(config, suite)
    write_shift(config, suite)
    write_comparisons(config, suite)


def write_profile(config: Config) -> None:
    """Writes the same files for the whole profile, suite after suite, and claims.csv.

    Raises BenchError if a suite's file is missing, or if its columns differ from the others'.
    """
    for place in jobs.MERGED:
        files.write_text(place(config), _joined([place(config, suite) for suite in config.suites]))
    write_claims(config)


def _joined(parts: list) -> str:
    """Joins CSV files: the header once, then all rows, byte for byte."""
    header, rows = "", []
    for path in parts:
        try:
            first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            raise BenchError(f"{path}: no such file; run the stage that writes it first") from None
        except (OSError, UnicodeDecodeError) as error:
            raise BenchError(f"{path}: not readable ({error})") from None
        except ValueError:
            raise BenchError(
                f"{path}: the file is empty; delete it to have it made again"
            ) from None
        if header and first != header:
            raise BenchError(
                f"{path}: the columns differ from {parts[0]}; delete it to have it made again"
            )
        header = first
        rows += others
    return "".join([header, *rows])
