"""Where each stage's files lie; the workflow and the command line agree by asking here.

Arguments may be Snakemake wildcards ("{suite}"): everything is string formatting.
"""

from pathlib import Path

from cds_bench.config import Config

FROZEN = Path(__file__).parent / "behaviour" / "frozen"


def behaviour(config: Config, policy: str) -> Path:
    """Snapshots of a trained behaviour policy; the frozen ones come with the package."""
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
    """Where a training job that is not complete saves what it has."""
    return config.folder / "checkpoints" / suite / algorithm / sharing / f"seeds{seeds}"


def run_scores(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """The scores of one training job, before they are merged."""
    return config.folder / "scores" / suite / algorithm / sharing / f"seeds{seeds}.csv"


def run_values(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> Path:
    """What one training job's critics expect, and what its policies get."""
    return config.folder / "values" / suite / algorithm / sharing / f"seeds{seeds}.csv"


def baseline(config: Config, name: str) -> Path:
    """The folder of an external baseline, which writes into it what it likes."""
    return config.folder / "baselines" / name


def baseline_job(config: Config, name: str) -> Path:
    """What an external baseline is asked to do (JSON)."""
    return baseline(config, name) / "job.json"


def baseline_scores(config: Config, name: str) -> Path:
    """What an external baseline answers."""
    return baseline(config, name) / "scores.csv"


def baseline_checked(config: Config, name: str) -> Path:
    """The same scores after every check: what statistics read."""
    return baseline(config, name) / "checked.csv"


def scores(config: Config) -> Path:
    return config.folder / "scores.csv"


def failures(config: Config) -> Path:
    """The seeds whose training failed, and why (csv)."""
    return config.folder / "failures.csv"


def shift(config: Config) -> Path:
    """How far policies moved from their data, and what their critics expect (csv)."""
    return config.folder / "shift.csv"


def comparisons(config: Config) -> Path:
    return config.folder / "comparisons.csv"


def claims(config: Config) -> Path:
    """The paper's claims, tested on the scores (csv)."""
    return config.folder / "claims.csv"


def suite_id(suite: str) -> str:
    """A suite's name as it stands in the names of rules, tables and figures."""
    return suite.replace("-", "_")


def table(config: Config, suite: str, extension: str) -> Path:
    """A suite's table: csv, md, tex or html."""
    return config.folder / "tables" / f"{suite_id(suite)}.{extension}"


def comparison_table(config: Config, suite: str, extension: str) -> Path:
    return config.folder / "tables" / f"{suite_id(suite)}_comparisons.{extension}"


def oracle_table(config: Config, suite: str, extension: str) -> Path:
    """What a perfect selection would gain on a suite: csv, md, tex or html."""
    return config.folder / "tables" / f"{suite_id(suite)}_oracle.{extension}"


def overall_table(config: Config, name: str, extension: str) -> Path:
    """A table over all suites (csv, md, tex or html): ranks, distribution_shift, claims, regime."""
    return config.folder / "tables" / f"{name}.{extension}"


def overall_figure(config: Config, name: str, extension: str) -> Path:
    """A figure over all suites (png or svg): ranks, distribution_shift."""
    return config.folder / "figures" / f"{name}.{extension}"


def coverage_table(config: Config, suite: str) -> Path:
    """What a suite's datasets are worth to each task (csv)."""
    return config.folder / "tables" / f"{suite_id(suite)}_coverage.csv"


def headroom_table(config: Config, suite: str, extension: str) -> Path:
    """What other tasks' data are worth to each task of a suite: csv, md, tex or html."""
    return config.folder / "tables" / f"{suite_id(suite)}_headroom.{extension}"


def selection_table(config: Config, suite: str, extension: str) -> Path:
    """What strategies select in a suite: csv, md, tex or html."""
    return config.folder / "tables" / f"{suite_id(suite)}_selection.{extension}"


def figure(config: Config, suite: str, name: str, extension: str) -> Path:
    """A suite's figure (png or svg): learning_curves, selection, <algorithm>_sharing, ..."""
    return config.folder / "figures" / f"{suite_id(suite)}_{name}.{extension}"


def resolved(config: Config) -> Path:
    """The configuration that a results folder was made with, defaults included."""
    return config.folder / "config.json"
