"""Scores and metrics like those of real runs, from a seeded generator."""

from itertools import product

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.gaps import gaps
from cds_bench.statistics.schema import merge
from cds_bench.storage import files, paths, seals
from cds_bench.storage.columns import MOVED, SCORES, VALUES
from cds_bench.storage.reference_scores import REFERENCES

SUITE = "walker2d-mixed"
SHARING = ("no_sharing", "sharing_all", "hipi", "cds_basic", "cds")
LEVELS = dict(zip(SHARING, (0.45, 0.3, 0.4, 0.55, 0.62), strict=True))
STEPS = (*range(0, 80_001, 10_000), 90_000, 92_500, 95_000, 97_500, 100_000)


def config(folder, **changes) -> Config:
    """A profile of one suite with cql, five strategies and three seeds, in `folder`."""
    values = {
        "profile": "synthetic",
        "results": str(folder),
        "suites": {SUITE: {}},
        "algorithms": {"cql": {}},
        "sharing": {name: {} for name in SHARING},
        "seeds_per_job": 3,
        "training": {},
        "protocol": {"resamples": 500},
    }
    values |= changes
    values["training"] = {"steps": 100_000, **values["training"]}
    values["protocol"] = {"curve_episodes": 10, **values["protocol"]}
    return Config.model_validate(values)


def run_scores(suite: str, algorithm: str, sharing: str, seeds) -> pd.DataFrame:
    """A job's scores: saturating curves with an offset per seed and noise per snapshot.

    If the metric is success, success at the end is half of success.
    """
    rng = stream("synthetic scores", algorithm, sharing, *seeds)
    rows = []
    for place, task in enumerate(envs.SUITES[suite].tasks):
        for seed in seeds:
            level = LEVELS.get(sharing, 0.5) + 0.1 * place + 0.06 * rng.standard_normal()
            for step in sorted(STEPS):
                value = level * (1 - np.exp(-step / 25_000)) + 0.05 * rng.standard_normal()
                value = value if envs.TASKS[task].metric == "return" else np.clip(value, 0, 1)
                key = (envs.SUITES[suite].domain, suite, task, algorithm, sharing, seed, step, 10)
                if envs.TASKS[task].metric == "return":
                    rows.append((*key, "return", 3000 * value - 20, value))
                else:
                    rows.append((*key, "success", value, value))
                    rows.append((*key, "success_at_end", value / 2, value / 2))
    return pd.DataFrame(rows, columns=SCORES)


def run_metrics(suite: str, sharing: str, seeds) -> pd.DataFrame:
    """A job's sharing metrics. Foreign weights fall over training, and own weights stay 1."""
    rng = stream("synthetic metrics", sharing, *seeds)
    tasks = envs.SUITES[suite].tasks
    rows = []
    for seed in seeds:
        for step in range(1000, 100_001, 3000):
            rows.append((seed, step, "critic_loss", None, None, rng.normal()))
            for target in tasks:
                weights = {s: _weight(sharing, s == target, step / 1e5, rng) for s in tasks}
                for source, weight in weights.items():
                    share = weight / sum(weights.values())
                    rows.append((seed, step, "weight", source, target, weight))
                    rows.append((seed, step, "effective_share", source, target, share))
    rows += selection_rows(suite, sharing, seeds)
    return pd.DataFrame(rows, columns=["seed", "step", "metric", "source", "target", "value"])


def selection_rows(suite: str, sharing: str, seeds) -> list[tuple]:
    """A job's selection metrics. Weights rise with the decile, and more so later in training.

    Without candidates there are none. Most returns of the last task are equal, so its lower deciles
    are empty.
    """
    if sharing == "no_sharing":
        return []
    rng = stream("synthetic selection", sharing, *seeds)
    tasks, rows = envs.SUITES[suite].tasks, []
    decile = np.arange(1, 11)
    for seed, step, task in product(seeds, range(1000, 100_001, 3000), tasks):
        best = LEVELS.get(sharing, 0.5) + 0.05 * seed
        skill = 0.0 if sharing == "sharing_all" else best * step / 1e5
        weights = np.full(10, 1.0)
        if skill:
            weights = np.clip(0.4 + skill * (decile - 5.5) / 8 + 0.02 * rng.normal(size=10), 0, 1)
        if task == tasks[-1]:
            weights[:4] = np.nan
        values = {
            "auc": 0.5 + 0.6 * skill,
            "spearman": skill if skill else np.nan,
            "weight": np.nanmean(weights),
            **{f"weight_d{k}": value for k, value in zip(decile, weights, strict=True)},
        }
        rows += [(seed, step, f"selection_{name}", None, task, v) for name, v in values.items()]
    return rows


def _weight(sharing: str, own: bool, time: float, rng: np.random.Generator) -> float:
    if own or sharing == "sharing_all":
        return 1.0
    return (
        0.0
        if sharing == "no_sharing"
        else float(np.clip(0.5 - 0.45 * time + 0.1 * rng.normal(), 0, 1))
    )


def run_record(seeds, **changes) -> dict:
    """The parts of a job's run.json that the report reads."""
    return {
        "fingerprint": {"pool": "ab" * 32},
        "code": "0123456789abcdef",
        "seeds": list(seeds),
        "failures": [],
        "resolved": {},
        "sha256": {},
        "hardware": {
            "processor": "A Processor",
            "machine": "x86_64",
            "device": "cpu",
            "threads": 1,
        },
        "versions": {"torch": "2.13.0", "cds-bench": "0.1.0"},
        "started": "2026-01-02T03:04:05+00:00",
        "ended": "2026-01-02T04:04:05+00:00",
        "wall_seconds": 1800.0,
        "steps_per_second": 55.5,
        "interruptions": 0,
        "peak_memory_mib": 321,
        **changes,
    }


def scores(config: Config) -> pd.DataFrame:
    """The scores of all suites."""
    return pd.concat([merge(config, suite) for suite in config.suites], ignore_index=True)


def write(config: Config) -> None:
    """Writes every run's scores and metrics to where the earlier stages would write them."""
    for suite in config.suites:
        for algorithm, sharing in config.methods:
            for first, last in config.seed_groups:
                key = (suite, algorithm, sharing, f"{first}-{last}")
                seeds = range(first, last + 1)
                files.write_csv(
                    paths.run_scores(config, *key), run_scores(suite, algorithm, sharing, seeds)
                )
                metrics = run_metrics(suite, sharing, seeds)
                files.write_csv(paths.run(config, *key) / "metrics.csv", metrics)
                write_shift(config, key)
                seal(config, key)
    write_references(config)
    for suite in config.suites:
        files.write_csv(paths.failures(config, suite), gaps(config, suite))


def write_references(config: Config) -> None:
    """Of a task with returns: -20 for the random policy and 2980 for the expert."""
    for task in config.tasks():
        metric = envs.TASKS[task].metric
        means = (-20, 1480, 2980) if metric == "return" else (0.0, 0.5, 1.0)
        about = {name: {"mean": mean} for name, mean in zip(REFERENCES, means, strict=True)}
        files.write_json(paths.references(config, task), {"task": task, "metric": metric, **about})


def write_shift(config: Config, key: tuple[str, str, str, str], failed=()) -> None:
    """A job's shift.csv and values, all 0."""
    first, last = map(int, key[3].split("-"))
    seeds = [seed for seed in range(first, last + 1) if seed not in failed]
    rows = list(product(seeds, envs.SUITES[key[0]].tasks))
    moved = pd.DataFrame([(*row, 0.0, 0.0) for row in rows], columns=MOVED)
    files.write_csv(paths.run(config, *key) / "shift.csv", moved)
    cells = [(key[0], task, key[1], key[2], seed, 0.0, 0.0) for seed, task in rows]
    files.write_csv(paths.run_values(config, *key), pd.DataFrame(cells, columns=VALUES))


def seal(config: Config, key: tuple[str, str, str, str], **changes) -> None:
    """Writes a job's run.json and the record of its evaluation, for its files as they are."""
    first, last = map(int, key[3].split("-"))
    folder, policies = paths.run(config, *key), "ab" * 32
    made = {
        name: folder / name for name in ("metrics.csv", "shift.csv") if (folder / name).exists()
    }
    record = run_record(range(first, last + 1), **changes)
    record["sha256"] = {seals.POLICIES: policies, **seals.hashes(**made)}
    files.write_json(folder / "run.json", record)
    scored = {"scores": paths.run_scores(config, *key), "values": paths.run_values(config, *key)}
    there = {name: path for name, path in scored.items() if path.exists()}
    seals.seal(paths.run_evaluation(config, *key), policies, **there)
