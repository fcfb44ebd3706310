"""Evaluates a run's policies and writes its rows of scores.csv."""

import numpy as np
import pandas as pd

import envs
from cds_bench.behaviour.references import normalised, read_references
from cds_bench.config import Config
from cds_bench.dataset.pool import pool_sha256
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import Policies, load_policies
from cds_bench.evaluation.rollout import Arena
from cds_bench.progress import Progress
from cds_bench.storage import paths
from cds_bench.storage.columns import SCORES, VALUES
from cds_bench.storage.files import read_json, write_csv


def evaluate(config: Config, suite: str, algorithm: str, sharing: str, seeds: str) -> None:
    """Rolls out every snapshot of a run on every task (`roll_out`) and writes the run's scores.

    Seeds whose training failed have no scores. Raises BenchError if the run was trained on another
    pool.
    """
    folder = paths.run(config, suite, algorithm, sharing, seeds)
    policies = load_policies(path := folder / "policies.safetensors")
    if policies.pool != pool_sha256(pool_path := paths.pool(config, suite)):
        raise BenchError(
            f"{path}: was trained on another pool than {pool_path}; delete the run's folder to "
            "have it trained again"
        )
    run = read_json(folder / "run.json")
    failed = [failure["seed"] for failure in run["failures"]]
    policies = policies.of([seed for seed in policies.seeds if seed not in failed])
    scores, last = roll_out(config, policies, suite, algorithm, sharing)
    write_csv(paths.run_scores(config, suite, algorithm, sharing, seeds), scores)
    values = []
    for task, episodes in last.items():  # episodes of the final snapshot, whose critics were saved
        found = initial_values(policies, task, *episodes, run["resolved"]["algorithm"])
        for seed, q, discounted in zip(policies.seeds, *found, strict=True):
            values.append((suite, task, algorithm, sharing, seed, q, discounted))
    write_csv(
        paths.run_values(config, suite, algorithm, sharing, seeds),
        pd.DataFrame(values, columns=VALUES),
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
