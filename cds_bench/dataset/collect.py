"""Collecting a dataset: rollouts of a behaviour policy, described, gated by quality, stored."""

import numpy as np

import envs
from cds_bench import paths
from cds_bench.behaviour.references import normalised, read_references
from cds_bench.behaviour.rollout import Act, episode, stochastic, uniform
from cds_bench.behaviour.select import Snapshot, snapshots
from cds_bench.config import Config
from cds_bench.dataset.store import SCHEMA_VERSION, episodes, write_dataset
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.versions import versions

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def collect(config: Config, suite: str, task: str) -> None:
    """Collects the dataset of a suite's task and writes it, if its quality lies in its band.

    Raises BenchError for missing or damaged inputs, and, writing nothing, for a mean normalised
    return outside config.datasets.bands[quality].
    """
    path = paths.dataset(config, suite, task)
    quality = envs.SUITES[suite].sources[task].quality
    size = config.size(suite, task)
    references = read_references(config, task)
    chosen = snapshots(config, task, quality) if quality != "random" else []
    with Progress(f"collect {suite}/{task}", size) as progress:
        columns, shares = rollouts(task, quality, chosen, size, progress)
    scores = summary(columns, envs.TASKS[task].horizon)
    scores["normalized_return"] = normalised(references, scores["mean_return"])
    check_quality(config, suite, task, scores)
    policies = [{"step": s.step, "sha256": s.policy.sha256} for s in chosen]
    policies = policies or [{"policy": "uniform"}]
    write_dataset(
        path,
        columns,
        {
            "schema_version": SCHEMA_VERSION,
            "suite": suite,
            "task": task,
            "quality": quality,
            "environment": envs.TASKS[task].env_id,
            "seed_stream": f"collect/{task}/{quality}/<episode>",
            "behaviour": [
                policy | {"transitions": share}
                for policy, share in zip(policies, shares, strict=True)
            ],
            "versions": versions("gymnasium", "mujoco", "numpy"),
            **scores,
        },
    )


def rollouts(
    task: str, quality: str, chosen: list[Snapshot], size: int, progress: Progress
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Exactly `size` transitions as D4RL's columns, and how many each policy gave.

    The policies take equal shares of the transitions, in order. A policy's last episode is finished
    even where that reaches into the next one's share: cut episodes are the long ones, so cutting at
    every share would bias the returns. Only the dataset's last episode is cut. The random numbers
    depend on task, quality and episode, not on the suite: suites share what they have in common.
    """
    env = envs.make(task)
    acts: list[Act] = [stochastic(snapshot.policy) for snapshot in chosen]
    acts = acts or [uniform(env.action_space.shape[0])]
    parts, shares, done = [], [0] * len(acts), 0
    while done < size:
        k = done * len(acts) // size
        rng = stream("collect", task, quality, len(parts))
        parts.append(episode(env, acts[k], rng, limit=size - done))
        length = len(parts[-1]["rewards"])
        shares[k] += length
        done += length
        progress.update(done)
    env.close()
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return columns, shares


def summary(columns: dict[str, np.ndarray], horizon: int) -> dict:
    """Episode counts, mean and quantiles of the undiscounted return over complete episodes.

    An episode is complete if it ended by itself or lasted `horizon` steps. Where none is, the cut
    one stands in, and `complete_episodes` is 0.
    """
    starts, lengths = episodes(columns)
    scores = np.add.reduceat(columns["rewards"], starts)
    complete = columns["terminals"][starts + lengths - 1] | (lengths == horizon)
    kept = scores[complete] if complete.any() else scores
    return {
        "episodes": len(starts),
        "complete_episodes": int(complete.sum()),
        "mean_return": float(kept.mean()),
        "return_quantiles": np.quantile(kept, QUANTILES).tolist(),
    }


def check_quality(config: Config, suite: str, task: str, scores: dict) -> None:
    """Raises BenchError if the normalised return is outside the band, saying by how much."""
    path = paths.dataset(config, suite, task)
    quality = envs.SUITES[suite].sources[task].quality
    if quality not in config.datasets.bands:
        raise BenchError(f"{path}: datasets.bands: no band for '{quality}'; add one")
    low, high = config.datasets.bands[quality]
    score = scores["normalized_return"]
    if low <= score <= high:
        return
    side, miss = ("below", low - score) if score < low else ("above", score - high)
    episodes_text = f"{scores['complete_episodes']} complete episodes"
    if not scores["complete_episodes"]:
        episodes_text = "no complete episode, only a cut one"
    raise BenchError(
        f"{path}: not written: mean return {scores['mean_return']:.4g} over {episodes_text}, "
        f"normalised {score:.3f}, lies {miss:.3f} {side} the band {low:g} to {high:g} of "
        f"'{quality}'; raise suites.{suite}.sizes.{task} if the episodes are few, use another "
        f"behaviour policy, or set datasets.bands.{quality}"
    )
