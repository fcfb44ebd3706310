"""The jobs of a profile: their names, logs, files, and the modules behind their results."""

import envs
from cds_bench.config import Config, plugins
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from envs.own import KnownTask

# These files are written for each suite and then merged for the whole profile.
MERGED = (paths.scores, paths.failures, paths.shift, paths.comparisons)


def log(config: Config, rule: str, *parts: str) -> str:
    return str(config.folder / "logs" / rule / f"{'_'.join(parts) or rule}.log")


def benchmark(config: Config, rule: str, *parts: str) -> str:
    return str(config.folder / "benchmarks" / rule / f"{'_'.join(parts) or rule}.tsv")


def groups(config: Config) -> list[str]:
    """The seed groups as they appear in paths."""
    return [f"{first}-{last}" for first, last in config.seed_groups]


def runs(config: Config, *suites: str) -> list[tuple[str, str, str, str]]:
    """The training jobs (suite, algorithm, sharing, seeds) of the named suites, or of all."""
    return [
        (suite, algorithm, sharing, seeds)
        for suite in suites or config.suites
        for algorithm, sharing in config.methods
        for seeds in groups(config)
    ]


def run_files(config: Config, *key: str) -> dict[str, str]:
    """The files of one training job, under the names that its rule uses."""
    folder = paths.run(config, *key)
    names = ("policies.safetensors", "metrics.csv", "timing.csv", "shift.csv", "run.json")
    return {name.partition(".")[0]: str(folder / name) for name in names}


def baseline_scores(config: Config, suite: str) -> list[str]:
    """The checked scores of the external baselines on a suite."""
    return [str(paths.baseline_checked(config, name, suite)) for name in config.baselines]


def discount(config: Config, suite: str) -> float:
    """The discount of a suite's returns before training, which is its first algorithm's."""
    name, options = next(iter(config.of(suite).algorithms.items()))
    return (plugins.defaults("algorithms", config.module("algorithms", name)) | options)["discount"]


def theory(config: Config) -> list[str]:
    """The file of the simulation of the paper's theory, if the profile has one."""
    return [str(paths.theory(config))] if config.theory != "none" else []


def suite_tasks(suite: str) -> tuple[str, ...]:
    return envs.SUITES[suite].tasks


def seen_as_pictures(suite: str) -> bool:
    """Whether a suite's observations are pictures."""
    return any(envs.TASKS[task].picture for task in suite_tasks(suite))


def policy_files(config: Config, task: str) -> list[str]:
    """The files behind a task's data: a trained policy's, or the file that they are taken from."""
    described = envs.TASKS[task]
    if isinstance(described, KnownTask):
        return [str(path) for path in described.files]
    files = (paths.behaviour, paths.behaviour_provenance)
    return [str(file(config, described.policy)) for file in files] if described.policy else []


def check_sources(config: Config) -> None:
    """Raises BenchError if the data of a suite of your own are not where it says."""
    try:
        for task in config.tasks():
            policy_files(config, task)
    except envs.WorldError as error:
        raise BenchError(str(error)) from None


def domain_of(name: str) -> str:
    """The domain of a suite, task or skill. Trained policies are named after one of these."""
    return (envs.SUITES | envs.TASKS | envs.SKILLS)[name].domain


def world(domain: str) -> tuple[str, ...]:
    """The modules with a domain's tasks and environments, for fingerprints.

    A suite of your own is a folder of modules.
    """
    described, folder = envs.DOMAINS[domain], envs.own_folder(domain)
    return (folder or described.__name__, described.ENVIRONMENTS)


def training_modules(config: Config, algorithm: str, sharing: str) -> tuple[str, ...]:
    """The modules that determine what a method trains, for fingerprints."""
    return (
        "cds_bench.training.run",
        f"cds_bench.algorithms.{config.module('algorithms', algorithm)}",
        f"cds_bench.sharing.{config.module('sharing', sharing)}",
    )


def evaluation_modules(suite: str) -> tuple[str, ...]:
    """The modules that determine the scores of a suite's policies, for fingerprints."""
    return ("cds_bench.evaluation.evaluate", *world(domain_of(suite)))


def behaviours(domain: str) -> tuple[str, ...]:
    """The modules that make a domain's data, for fingerprints."""
    own = ("cds_bench.behaviour.own", "cds_bench.dataset.own")
    made = own if envs.own_folder(domain) else (f"cds_bench.behaviour.{domain}",)
    return (*world(domain), *made)


def by_quality(config: Config) -> list[str]:
    """Suites that have the same tasks and differ only in the quality of their data."""
    qualities = {
        suite: {source.quality for source in envs.SUITES[suite].sources.values()}
        for suite in config.suites
    }
    tasks = [envs.SUITES[suite].tasks for suite, found in qualities.items() if len(found) == 1]
    return [
        suite
        for suite, found in qualities.items()
        if len(found) == 1 and tasks.count(envs.SUITES[suite].tasks) > 1
    ]


def suite_datasets(config: Config, suite: str) -> list[str]:
    """The dataset of each task of a suite."""
    return [str(paths.dataset(config, suite, task)) for task in suite_tasks(suite)]


def all_datasets(config: Config) -> list[str]:
    """Every dataset of a profile."""
    return [path for suite in config.suites for path in suite_datasets(config, suite)]


def suite_references(config: Config, suite: str) -> list[str]:
    """The reference scores of a suite's tasks, which normalise returns."""
    return [str(paths.references(config, task)) for task in suite_tasks(suite)]


def all_references(config: Config) -> list[str]:
    """The reference scores of every task, which normalise returns."""
    return [str(paths.references(config, task)) for task in config.tasks()]


def suite_metrics(config: Config, suite: str) -> list[str]:
    """The metrics of a suite's runs, from which the figures of sharing are drawn."""
    return [run_files(config, *run)["metrics"] for run in runs(config, suite)]


def suite_runs(config: Config, suite: str) -> list[str]:
    """The files from which a suite's statistics are computed: its runs and their scores."""
    found = []
    for run in runs(config, suite):
        made = run_files(config, *run)
        scored = (paths.run_scores, paths.run_values, paths.run_evaluation)
        found += [*(str(path(config, *run)) for path in scored), made["run"], made["shift"]]
    return found


def suite_statistics(config: Config, suite: str) -> list[str]:
    """The files that the statistics of a suite write."""
    return [str(path(config, suite)) for path in MERGED]


def statistics(config: Config) -> list[str]:
    """The files that the statistics of the whole profile write."""
    return [str(path(config)) for path in (*MERGED, paths.claims)]


def report(config: Config) -> str:
    return str(config.folder / "report.html")


def page_data(config: Config) -> list[str]:
    """The files that the report page reads besides tables and figures: runs and their data."""
    of_runs = [run_files(config, *run)[name] for run in runs(config) for name in ("run", "metrics")]
    of_suites = [str(paths.manifest(config, suite)) for suite in config.suites]
    of_data = all_datasets(config) + all_references(config)
    return of_runs + of_suites + of_data + statistics(config)
