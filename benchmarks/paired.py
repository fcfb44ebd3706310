"""Whether cheaper products or gradients change scores: paired over seeds against exact float32.

    python -m benchmarks.paired --cores 2

runs the workflow once per variant, on one suite of the default profile with CQL's n of 10, and
writes benchmarks/results/paired.{csv,md}. Interrupted, the same command goes on.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.report import table
from cds_bench import config as configuration
from cds_bench import files, paths
from cds_bench.seeding import stream
from cds_bench.statistics.headline import headline, matrix
from cds_bench.statistics.intervals import bootstrap_mean
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.significance import sign_flip

SUITE = "pointmaze-medium-undirected"
SHARING = "no_sharing"
SEEDS, SEEDS_PER_JOB, ACTIONS = 6, 3, 10
EXACT = "exact-float32"
VARIANTS = {
    EXACT: {},
    "exact-bfloat16": {"precision": "bfloat16"},
    "sampled-2-float32": {"gradient": "sampled", "samples": 2},
    "sampled-4-float32": {"gradient": "sampled", "samples": 4},
}
RESULTS = Path("benchmarks/results")


def profile(name: str) -> configuration.Config:
    """The default profile with one suite, more seeds, n = 10 and the variant's options."""
    values = yaml.safe_load(Path("workflow/config/default.yaml").read_text())
    options = {"actions": ACTIONS, **VARIANTS[name]}
    values["domains"] = {"navigation": values["domains"]["navigation"]}
    values["domains"]["navigation"]["algorithms"]["cql"] |= options
    values |= {
        "profile": f"paired-{name}",
        "results": str(RESULTS / "runs"),
        "suites": {SUITE: values["suites"][SUITE]},
        "sharing": {SHARING: {}},
        "protocol": values["protocol"] | {"reference": SHARING},
        "seeds": SEEDS,
        "seeds_per_job": SEEDS_PER_JOB,
    }
    return configuration.parse(values, name)


def scores(name: str, cores: int) -> configuration.Config:
    """Runs the workflow as far as a variant's scores."""
    config = profile(name)
    path = config.folder / "profile.json"
    files.write_text(path, config.model_dump_json())
    target = str(paths.scores(config))
    command = ["snakemake", "--cores", str(cores), target, "--configfile", str(path)]
    subprocess.run([sys.executable, "-m", *command], check=True)
    return config


def averages(config: configuration.Config) -> np.ndarray:
    """Each seed's mean success over the tasks, [seeds]."""
    headlines = headline(read_scores(paths.scores(config)), config.protocol)
    return matrix(config, headlines, SUITE, ("cql", SHARING)).mean(axis=1)


def seconds(config: configuration.Config) -> float:
    """Of training, summed over the jobs."""
    found = (config.folder / "runs").rglob("run.json")
    return sum(files.read_json(path)["wall_seconds"] for path in found)


def compare(configs: dict[str, configuration.Config]) -> pd.DataFrame:
    """A row per variant: its mean, the paired difference from exact float32, interval, p, speed."""
    found = {name: 100 * averages(config) for name, config in configs.items()}
    rows = []
    for name, values in found.items():
        difference, rng = values - found[EXACT], stream("paired", name)
        low, high = bootstrap_mean(difference, rng, 10_000, 0.95)
        p = sign_flip(difference, rng, 10_000) if name != EXACT else np.nan
        speed = seconds(configs[EXACT]) / seconds(configs[name])
        rows.append((name, values.mean(), difference.mean(), low, high, p, speed))
    columns = ["variant", "score", "difference", "low", "high", "p", "speed"]
    return pd.DataFrame(rows, columns=columns)


TEXT = """\
# Scores with cheaper products and gradients

CQL on {suite}, n = {actions}, else the default profile's sizes and steps; success rate x100, the
mean over the tasks, {seeds} seeds. Differences from {exact}, paired by seed, with the 95 %
bootstrap interval and the exact sign-flip p, which with {seeds} seeds is at least {smallest:.3f};
speed is the training time of {exact} over the variant's, two jobs side by side. A variant's numbers
differ from the first step on: a difference is to be read against the spread between seeds.

"""


def report(found: pd.DataFrame) -> str:
    header = ["variant", "score", "difference", "95 % interval", "p", "speed"]
    rows = [
        [
            row.variant,
            f"{row.score:.1f}",
            f"{row.difference:+.1f}",
            f"[{row.low:.1f}, {row.high:.1f}]",
            "" if np.isnan(row.p) else f"{row.p:.3f}",
            f"{row.speed:.2f}",
        ]
        for row in found.itertuples()
    ]
    smallest = 2 / 2**SEEDS
    text = TEXT.format(suite=SUITE, actions=ACTIONS, seeds=SEEDS, exact=EXACT, smallest=smallest)
    return text + table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    cores = parser.parse_args().cores
    configs = {name: scores(name, cores) for name in VARIANTS}
    found = compare(configs)
    files.write_csv(RESULTS / "paired.csv", found)
    files.write_text(RESULTS / "paired.md", report(found))
    print(report(found))


if __name__ == "__main__":
    main()
