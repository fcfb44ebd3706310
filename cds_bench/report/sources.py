"""The files that products read, for a suite, or for the whole profile if the suite is ""."""

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.storage import paths


def scores(config: Config, suite: str) -> list[str]:
    return [str(paths.scores(config, suite))]


def tabled(config: Config, suite: str) -> list[str]:
    references = jobs.suite_references(config, suite)
    return [*scores(config, suite), str(paths.failures(config, suite)), *references]


def compared(config: Config, suite: str) -> list[str]:
    return [str(paths.comparisons(config, suite))]


def moved(config: Config, suite: str) -> list[str]:
    return [*scores(config, suite), str(paths.shift(config, suite))]


def pool(config: Config, suite: str) -> list[str]:
    return [str(paths.pool(config, suite))]


def claims(config: Config, suite: str) -> list[str]:
    return [str(paths.claims(config))]


def theory(config: Config, suite: str) -> list[str]:
    return jobs.theory(config)


def judged(config: Config, suite: str) -> list[str]:
    return moved(config, suite) + jobs.all_references(config)


def summaries(config: Config, suite: str) -> list[str]:
    return [str(paths.table(config, "", "csv", each)) for each in config.suites]


def vision_summaries(config: Config, suite: str) -> list[str]:
    seen = filter(jobs.seen_as_pictures, config.suites)
    return [str(paths.table(config, "", "csv", each)) for each in seen]


def all_metrics(config: Config, suite: str) -> list[str]:
    return [path for each in config.suites for path in jobs.suite_metrics(config, each)]


def moved_by_quality(config: Config, suite: str) -> list[str]:
    return [path for each in jobs.by_quality(config) for path in moved(config, each)]
