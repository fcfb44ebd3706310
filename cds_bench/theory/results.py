"""Runs the simulation of a profile and writes its results."""

from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.storage import files, paths
from cds_bench.theory.claims import conditions, ordering, pairs, summarise
from cds_bench.theory.simulate import SIZES, simulate


def write_theory(config: Config) -> None:
    """Writes theory.csv, a row per world, case and strategy, and four summaries beside it.

    Raises BenchError if the profile has no simulation.
    """
    if config.theory not in SIZES:
        raise BenchError(
            f"theory: is '{config.theory}'; set 'theory: {' or '.join(SIZES)}' in the profile"
        )
    settings = SIZES[config.theory]
    with Progress("theory", settings.mdps * len(settings.cases)) as progress:
        frame = simulate(settings, progress.update)
    path = paths.theory(config)
    files.write_csv(path.with_name("summary.csv"), summarise(frame))
    files.write_csv(path.with_name("conditions.csv"), conditions(frame))
    files.write_csv(path.with_name("ordering.csv"), ordering(frame))
    files.write_csv(path.with_name("pairs.csv"), pairs(frame))
    files.write_csv(path, frame)
