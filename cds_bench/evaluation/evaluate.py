"""Evaluates a run's policies and writes its rows of scores.csv."""

from pathlib import Path

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.dataset.pool import pool_sha256
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import Policies, load_policies
from cds_bench.evaluation.rollout import Arena
from cds_bench.progress import Progress
from cds_bench.storage import paths, seals
from cds_bench.storage.columns import SCORES, VALUES
from cds_bench.storage.files import write_csv
from cds_bench.storage.reference_scores import normalised, read_references


def evaluate(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> None:
    """Rolls out every snapshot of a run on every task (`roll_out`) and writes the run's scores.

    Seeds whose training failed have no scores. Raises BenchError when the run was trained on
    another pool, or with another method, and when its policies are not those that training wrote.
    """
    key = (suite, algorithm, sharing, seeds)
    folder = paths.run(config, *key)
    policies = load_policies(path := folder / seals.POLICIES)
    if policies.pool != pool_sha256(pool_path := paths.pool(config, suite)):
        raise BenchError(
            f"{path}: was trained on another pool than {pool_path}; delete the run's folder to "
            "have it trained again"
        )
    run = seals.read_run(folder)
    _refuse_other(run, policies, folder / "run.json", key)
    seals.check(path, seals.POLICIES, run.sha256, folder / "run.json")
    policies = policies.of(run.finished)
    scores, last = roll_out(config, policies, suite, algorithm, sharing)
    write_csv(scores_path := paths.run_scores(config, *key), scores)
    values = []
    for task, episodes in last.items():  # episodes of the final snapshot, whose critics were saved
        found = initial_values(policies, task, *episodes, run.resolved["algorithm"])
        for seed, q, discounted in zip(policies.seeds, *found, strict=True):
            values.append((suite, task, algorithm, sharing, seed, q, discounted))
    write_csv(values_path := paths.run_values(config, *key), pd.DataFrame(values, columns=VALUES))
    seals.seal(
        paths.run_evaluation(config, *key),
        run.sha256[seals.POLICIES],
        scores=scores_path,
        values=values_path,
    )


def _refuse_other(run: seals.Run, policies: Policies, path: Path, key: tuple[str, ...]) -> None:
    """Raises BenchError unless a run is of the suite, method and seeds that its path names."""
    found = (
        run.fingerprint.get("suite"),
        *(next(iter(run.fingerprint.get(kind) or [None])) for kind in ("algorithm", "sharing")),
        f"{run.seeds[0]}-{run.seeds[-1]}" if run.seeds else "",
    )
    if found != key or policies.seeds != run.seeds:
        raise BenchError(
            f"{path}: is of {' / '.join(map(str, found))} and not of {' / '.join(key)}; delete the "
            "run's folder to have it trained again"
        )


def roll_out(
    config: Config, policies: Policies, suite: str, algorithm: str, sharing: str
) -> tuple[pd.DataFrame, dict[str, tuple[np.ndarray, list]]]:
    """The rows of scores.csv, and each task's episodes of the final snapshot (`Arena.episodes`).

    The last `final_snapshots` snapshots are rolled out for `final_episodes` episodes each, and the
    others for `curve_episodes`. Without seeds there are no rows.
    """
    protocol, domain = config.protocol, envs.SUITES[suite].domain
    first_final = len(policies.steps) - protocol.final_snapshots
    most = max(protocol.curve_episodes, protocol.final_episodes)
    rows, last = [], {}
    tasks = policies.tasks if policies.seeds else []
    total = len(tasks) * len(policies.steps)
    with Progress(f"evaluate {suite} {algorithm} {sharing}", total) as progress:
        for task in tasks:
            references = read_references(config, task)
            arena = Arena(task, policies.seeds, most)
            for snapshot, step in enumerate(policies.steps):
                final = snapshot >= first_final
                episodes = protocol.final_episodes if final else protocol.curve_episodes
                _, rewards = last[task] = arena.episodes(policies, snapshot, episodes)
                for metric, scores in arena.scores(rewards).items():
                    means = scores.mean(1).tolist()
                    for seed, score in zip(policies.seeds, means, strict=True):
                        key = (domain, suite, task, algorithm, sharing, seed, step)
                        rows.append((*key, episodes, metric, score, normalised(references, score)))
                progress.update(progress.done + 1)
    return pd.DataFrame(rows, columns=SCORES), last


def initial_values(
    policies: Policies, task: str, first: np.ndarray, rewards: list, options: dict
) -> tuple[list[float], list[float]]:
    """Each seed's means of min_j Q_j(s_0, pi(s_0)) and sum_t gamma^t (scale r_t + shift).

    The means are over episodes. Both values are in the algorithm's units of reward; `options` holds
    its discount, scale and shift. Their difference is how much the critic overestimates its policy.
    """
    place = policies.tasks.index(task)
    actions = policies.act(len(policies.steps) - 1, place, first)
    q = policies.value(place, first, actions).mean(1)
    scale, shift = options["reward_scale"], options["reward_shift"]
    returns = [
        np.sum(options["discount"] ** np.arange(len(episode)) * (scale * np.array(episode) + shift))
        for episode in rewards
    ]
    return q.tolist(), np.reshape(returns, first.shape[:2]).mean(1).tolist()
