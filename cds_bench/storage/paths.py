"""The paths of each stage's files, for the workflow and for the command line.

Arguments may be Snakemake wildcards ("{suite}"), because paths are only formatted strings.
"""

from pathlib import Path

from cds_bench.config import Config

FROZEN = Path(__file__).parents[1] / "behaviour" / "frozen"


def behaviour(config: Config, policy: str) -> Path:
    """Snapshots of a trained behaviour policy. Frozen snapshots come with the package."""
    folder = FROZEN if config.behaviour == "frozen" else config.folder / "behaviour"
    return folder / f"{policy}.safetensors"


def behaviour_provenance(config: Config, policy: str) -> Path:
    return behaviour(config, policy).with_suffix(".json")


def references(config: Config, task: str) -> Path:
    return config.folder / "references" / f"{task}.json"


def dataset(config: Config, suite: str, task: str) -> Path:
    return config.folder / "datasets" / suite / f"{task}.hdf5"


def manifest(config: Config, suite: str) -> Path:
    return config.folder / "datasets" / suite / "manifest.json"


def pool(config: Config, suite: str) -> Path:
    return config.folder / "pools" / f"{suite}.hdf5"


def run(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """A training job's folder; `seeds` is "<first>-<last>"."""
    return config.folder / "runs" / suite / algorithm / sharing / f"seeds{seeds}"


def checkpoints(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """Where an unfinished training job saves its checkpoints."""
    return config.folder / "checkpoints" / suite / algorithm / sharing / f"seeds{seeds}"


def run_scores(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """The scores of one training job, before they are merged."""
    return config.folder / "scores" / suite / algorithm / sharing / f"seeds{seeds}.csv"


def run_evaluation(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """The hashes of what one training job's evaluation read and wrote (JSON)."""
    return run_scores(config, suite, algorithm, sharing, seeds).with_suffix(".json")


def run_values(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """The returns that one job's critics expect, and those that its policies achieve (csv)."""
    return config.folder / "values" / suite / algorithm / sharing / f"seeds{seeds}.csv"


def baseline(config: Config, name: str) -> Path:
    """The folder of an external baseline, which may write anything into it."""
    return config.folder / "baselines" / name


def baseline_job(config: Config, name: str, suite: str) -> Path:
    """The description of an external baseline's job on a suite (JSON)."""
    return baseline(config, name) / suite / "job.json"


def baseline_scores(config: Config, name: str, suite: str) -> Path:
    """The scores that an external baseline writes for a suite."""
    return baseline(config, name) / suite / "scores.csv"


def baseline_checked(config: Config, name: str, suite: str) -> Path:
    """The same scores after all checks. The statistics read this file."""
    return baseline(config, name) / suite / "checked.csv"


def scores(config: Config, suite: str = "") -> Path:
    """The scores of a suite, or of the whole profile if no suite is named."""
    return _merged(config, "scores", suite)


def failures(config: Config, suite: str = "") -> Path:
    """The seeds of a suite, or of the profile, without scores, with the reasons (csv)."""
    return _merged(config, "failures", suite)


def shift(config: Config, suite: str = "") -> Path:
    """The distribution shift and the critics' estimates of a suite, or of the profile (csv)."""
    return _merged(config, "shift", suite)


def comparisons(config: Config, suite: str = "") -> Path:
    """Comparisons of a suite's, or the profile's, methods with the reference method (csv)."""
    return _merged(config, "comparisons", suite)


def _merged(config: Config, name: str, suite: str) -> Path:
    return config.folder / (f"{name}/{suite}.csv" if suite else f"{name}.csv")


def claims(config: Config) -> Path:
    """The tests of the paper's claims (csv)."""
    return config.folder / "claims.csv"


def theory(config: Config) -> Path:
    """The simulation of the paper's theory on random MDPs (csv)."""
    return config.folder / "theory" / "theory.csv"


def suite_id(suite: str) -> str:
    """A suite's name as it appears in the names of rules, tables and figures."""
    return suite.replace("-", "_")


def stem(name: str, suite: str = "") -> str:
    """The stem of a table's or figure's file names. It begins with the suite, if there is one."""
    return "_".join(filter(None, (suite_id(suite), name)))


def table(config: Config, name: str, extension: str, suite: str = "") -> Path:
    """A table (csv, md, tex, html or json). With an empty name, it is the suite's scores."""
    return config.folder / "tables" / f"{stem(name, suite)}.{extension}"


def figure(config: Config, name: str, extension: str, suite: str = "") -> Path:
    """A figure (png or svg)."""
    return config.folder / "figures" / f"{stem(name, suite)}.{extension}"


def plan(config: Config) -> Path:
    """What `cds-bench plan` measured of each job, in memory and time (JSON)."""
    return config.folder / "plan.json"


def stacking(config: Config) -> Path:
    """The number of seeds per job that was chosen for a results folder, and why (JSON)."""
    return config.folder / "seeds_per_job.json"


def resolved(config: Config) -> Path:
    """The configuration that a results folder was made with, including defaults."""
    return config.folder / "config.json"
