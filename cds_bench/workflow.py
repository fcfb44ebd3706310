"""What the Snakefile asks: lists of files, names of logs, and modules for fingerprints."""

import hashlib
from pathlib import Path

import envs
from cds_bench import paths, plugins
from cds_bench.behaviour import RECIPES
from cds_bench.config import Config
from cds_bench.fingerprint import ROOT, fingerprint

PAGE = ROOT / "cds_bench" / "report"
TABLE_FORMATS = ("csv", "md", "tex", "html")
FIGURE_FORMATS = ("png", "svg")
OVERALL_TABLES = ("ranks", "distribution_shift", "claims", "regime")  # over all suites
OVERALL_FIGURES = ("ranks", "distribution_shift")


def log(config: Config, rule: str, *parts: str) -> str:
    return str(config.folder / "logs" / rule / f"{'_'.join(parts) or rule}.log")


def benchmark(config: Config, rule: str, *parts: str) -> str:
    return str(config.folder / "benchmarks" / rule / f"{'_'.join(parts) or rule}.tsv")


def groups(config: Config) -> list[str]:
    """The seed groups as they appear in paths."""
    return [f"{first}-{last}" for first, last in config.seed_groups]


def runs(config: Config) -> list[tuple[str, str, str, str]]:
    """Every training job: suite, algorithm, sharing, seeds."""
    return [
        (suite, algorithm, sharing, seeds)
        for suite in config.suites
        for algorithm, sharing in config.methods
        for seeds in groups(config)
    ]


def run_files(config: Config, *key: str) -> dict[str, str]:
    """The files of one training job, by the names that its rule uses."""
    folder = paths.run(config, *key)
    names = ("policies.safetensors", "metrics.csv", "timing.csv", "shift.csv", "run.json")
    return {name.partition(".")[0]: str(folder / name) for name in names}


def baseline_scores(config: Config) -> list[str]:
    """The checked scores of the external baselines."""
    return [str(paths.baseline_checked(config, name)) for name in config.baselines]


def suite_tables(config: Config, suite: str) -> list[str]:
    """A suite's tables of scores in every format; the oracle's where there are references."""
    kinds = [paths.table, paths.comparison_table]
    kinds += [paths.oracle_table] if config.references else []
    return [str(kind(config, suite, ext)) for kind in kinds for ext in TABLE_FORMATS]


def suite_figures(config: Config, suite: str) -> list[str]:
    """Every figure of a suite in every format."""
    names = ["learning_curves", "aggregates", "profiles"]
    names += [f"{name}_sharing" for name in config.algorithms]
    return [str(paths.figure(config, suite, name, ext)) for name in names for ext in FIGURE_FORMATS]


def suite_coverage(config: Config, suite: str) -> list[str]:
    """The picture of a suite's data in every format."""
    return [str(paths.figure(config, suite, "coverage", ext)) for ext in FIGURE_FORMATS]


def suite_headroom(config: Config, suite: str) -> dict[str, list[str]]:
    """What there is to share in a suite: its tables and figures in every format.

    A suite of one task has none.
    """
    if len(suite_tasks(suite)) == 1:
        return {"tables": [], "figures": []}
    return {
        "tables": [str(paths.headroom_table(config, suite, ext)) for ext in TABLE_FORMATS],
        "figures": [str(paths.figure(config, suite, "headroom", ext)) for ext in FIGURE_FORMATS],
    }


def suite_selection(config: Config, suite: str) -> dict[str, list[str]]:
    """What strategies select in a suite: its tables and figures in every format."""
    return {
        "tables": [str(paths.selection_table(config, suite, ext)) for ext in TABLE_FORMATS],
        "figures": [str(paths.figure(config, suite, "selection", ext)) for ext in FIGURE_FORMATS],
    }


def discount(config: Config, suite: str) -> float:
    """What a suite's returns are discounted by before training: by its first algorithm's."""
    name, options = next(iter(config.of(suite).algorithms.items()))
    return (plugins.defaults("algorithms", config.module("algorithms", name)) | options)["discount"]


def suite_tasks(suite: str) -> tuple[str, ...]:
    return envs.SUITES[suite].tasks


def policy_files(config: Config, task: str) -> list[str]:
    """The trained behaviour policy behind a task's data and its provenance; none if scripted."""
    policy = envs.TASKS[task].policy
    files = (paths.behaviour, paths.behaviour_provenance)
    return [str(file(config, policy)) for file in files] if policy else []


def domain_of(name: str) -> str:
    """The domain of a suite, a task or a skill; a trained policy is named after one of these."""
    return (envs.SUITES | envs.TASKS | envs.SKILLS)[name].domain


def world(domain: str) -> tuple[str, ...]:
    """The modules of a domain's world, for fingerprints: its tasks and its environments."""
    descriptions, environments = envs.DOMAINS[domain]
    return (descriptions.__name__, environments)


def worlds(config: Config) -> list[str]:
    """The modules of every configured domain's world."""
    domains = dict.fromkeys(domain_of(suite) for suite in config.suites)
    return [module for domain in domains for module in world(domain)]


def behaviours(domain: str) -> tuple[str, ...]:
    """The modules that a domain's data come from, for fingerprints."""
    return (*world(domain), RECIPES[domain])


def suite_datasets(config: Config, suite: str) -> list[str]:
    """The dataset of each task of a suite."""
    return [str(paths.dataset(config, suite, task)) for task in suite_tasks(suite)]


def all_datasets(config: Config) -> list[str]:
    """Every dataset of a profile."""
    return [path for suite in config.suites for path in suite_datasets(config, suite)]


def all_references(config: Config) -> list[str]:
    """The scores that normalise of every task."""
    return [str(paths.references(config, task)) for task in config.tasks()]


def suite_metrics(config: Config, suite: str) -> list[str]:
    """What the figures of who shares with whom are drawn from."""
    return [run_files(config, *run)["metrics"] for run in runs(config) if run[0] == suite]


def figure_name(suite: str, path: str) -> str:
    """A figure's name without its suite and format, for example cql_sharing."""
    return Path(path).stem.removeprefix(f"{paths.suite_id(suite)}_")


def figure_kind(path: str) -> str:
    """learning_curves, aggregates, profiles or sharing: the name of a figure's caption."""
    kinds = ("learning_curves", "aggregates", "profiles", "sharing")
    return next(kind for kind in kinds if Path(path).stem.endswith(kind))


def overall_tables(config: Config, name: str) -> list[str]:
    """A table over all suites in every format."""
    return [str(paths.overall_table(config, name, extension)) for extension in TABLE_FORMATS]


def overall_figures(config: Config, name: str) -> list[str]:
    """A figure over all suites in every format."""
    return [str(paths.overall_figure(config, name, extension)) for extension in FIGURE_FORMATS]


def tables(config: Config) -> list[str]:
    of_suites = [
        path
        for suite in config.suites
        for path in (
            *suite_tables(config, suite),
            *suite_selection(config, suite)["tables"],
            *suite_headroom(config, suite)["tables"],
        )
    ]
    return of_suites + [path for name in OVERALL_TABLES for path in overall_tables(config, name)]


def figures(config: Config) -> list[str]:
    of_suites = [
        path
        for suite in config.suites
        for path in (
            *suite_figures(config, suite),
            *suite_selection(config, suite)["figures"],
            *suite_coverage(config, suite),
            *suite_headroom(config, suite)["figures"],
        )
    ]
    return of_suites + [path for name in OVERALL_FIGURES for path in overall_figures(config, name)]


def merged(config: Config) -> list[str]:
    """What the statistics write."""
    names = (paths.scores, paths.failures, paths.shift, paths.comparisons, paths.claims)
    return [str(path(config)) for path in names]


def results(config: Config) -> list[str]:
    """What readers read: the statistics, tables and figures."""
    return [*merged(config), *tables(config), *figures(config)]


def report(config: Config) -> str:
    return str(config.folder / "report.html")


def captions() -> list[str]:
    """What tables and figures show, a file per kind; the workflow's own is no caption."""
    found = sorted((ROOT / "workflow" / "report").glob("*.rst"))
    return [str(path) for path in found if path.stem != "workflow"]


def page_code() -> str:
    """A hash over what the report page is made with: its modules, its template, the captions."""
    digest = hashlib.sha256(fingerprint("cds_bench.report.page").encode())
    for path in (*captions(), PAGE / "page.html.jinja", PAGE / "page.css"):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


def page_data(config: Config) -> list[str]:
    """What the report page reads beside tables and figures: runs and the data behind them."""
    of_runs = [run_files(config, *run)[name] for run in runs(config) for name in ("run", "metrics")]
    of_suites = [str(paths.manifest(config, suite)) for suite in config.suites]
    of_data = all_datasets(config) + all_references(config)
    return of_runs + of_suites + of_data + merged(config)
