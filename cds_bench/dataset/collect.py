"""Collecting a dataset: roll out behaviour policies, check the quality, and store the data."""

from pathlib import Path

import numpy as np

import envs
from cds_bench.behaviour.recipes import recipes
from cds_bench.behaviour.rollout import EPISODE_SCORE, Behaviour, episode
from cds_bench.config import Config
from cds_bench.dataset.store import SCHEMA_VERSION, episodes, write_dataset
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.reference_scores import normalised, read_references
from cds_bench.storage.versions import versions

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def collect(config: Config, suite: str, task: str) -> None:
    """Collects the dataset of a suite's task and writes it if its score lies in the quality's band.

    Raises BenchError if inputs are missing or damaged. Also raises BenchError, and writes nothing,
    if the mean normalised score is outside config.datasets.bands[quality].
    """
    quality = envs.SUITES[suite].sources[task].quality
    size = config.size(suite, task)
    references = read_references(config, task)
    env = envs.make(task)
    chosen = recipes(config, env, quality)
    behaviours = [recipe.behaviour for recipe in chosen]
    with Progress(f"collect {suite}/{task}", size) as progress:
        columns, shares = rollouts(env, quality, behaviours, size, progress)
    env.close()
    scores = summary(columns, envs.TASKS[task])
    scores["normalized_score"] = normalised(references, scores["mean_score"])
    check_quality(config, suite, task, scores)
    behaviour = [
        recipe.about | {"transitions": share} for recipe, share in zip(chosen, shares, strict=True)
    ]
    write_collected(config, suite, task, columns, scores, behaviour, seed_stream(task, quality))


def seed_stream(task: str, quality: str) -> str:
    """The name of the streams that the episodes of `rollouts` draw from."""
    return f"collect/{task}/{quality}/<episode>"


def write_collected(
    config: Config,
    suite: str,
    task: str,
    columns: dict[str, np.ndarray],
    scores: dict,
    behaviour: list[dict],
    seeds: str,
) -> None:
    """Writes a task's dataset with its attributes.

    scores: `summary`'s, with the normalised score. behaviour: what is known of each policy, and
    the number of its transitions. seeds: the streams of random numbers, or "".
    """
    attributes = {
        "schema_version": SCHEMA_VERSION,
        "suite": suite,
        "task": task,
        "quality": envs.SUITES[suite].sources[task].quality,
        "environment": envs.TASKS[task].env_id,
        "seed_stream": seeds,
        "behaviour": behaviour,
        "versions": versions("gymnasium", "mujoco", "numpy"),
        **scores,
    }
    write_dataset(paths.dataset(config, suite, task), columns, attributes)


def rollouts(
    env, quality: str, behaviours: list[Behaviour], size: int, progress: Progress
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Exactly `size` transitions as D4RL's columns, and the number from each behaviour.

    The behaviours collect equal shares of the transitions, in order. The last episode of each is
    finished even if it reaches into the next share. Cutting it would bias the scores, because long
    episodes are more likely to be cut. Only the dataset's last episode is cut. The random numbers
    depend on task, quality and episode but not on the suite, so suites have the same data for what
    they have in common.
    """
    task = env.unwrapped.task.name
    parts, shares, done = [], [0] * len(behaviours), 0
    while done < size:
        k = done * len(behaviours) // size
        rng = stream("collect", task, quality, len(parts))
        parts.append(episode(env, behaviours[k], rng, limit=size - done))
        length = len(parts[-1]["rewards"])
        shares[k] += length
        done += length
        progress.update(done)
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return columns, shares


def summary(columns: dict[str, np.ndarray], task: envs.Task) -> dict:
    """Episode counts, mean and quantiles of the task's metric over complete episodes.

    An episode is complete if it terminated or lasted for the task's horizon. If no episode is
    complete, the cut episode is used instead, and `complete_episodes` is 0.
    """
    kept, complete, all_of_them = complete_scores(columns, task)
    return {
        "episodes": all_of_them,
        "complete_episodes": complete,
        "metric": task.metric,
        "mean_score": float(kept.mean()),
        "score_quantiles": np.quantile(kept, QUANTILES).tolist(),
    }


def complete_scores(columns: dict[str, np.ndarray], task: envs.Task) -> tuple[np.ndarray, int, int]:
    """The scores of the complete episodes, their number, and the number of all episodes.

    If no episode is complete, the scores are those of all.
    """
    starts, lengths = episodes(columns)
    scores = EPISODE_SCORE[task.metric].reduceat(columns["rewards"], starts)
    complete = columns["terminals"][starts + lengths - 1] | (lengths == task.horizon)
    return scores[complete] if complete.any() else scores, int(complete.sum()), len(starts)


def check_quality(config: Config, suite: str, task: str, scores: dict) -> None:
    """Raises BenchError unless the normalised score is in the band of the data's quality."""
    quality = envs.SUITES[suite].sources[task].quality
    check_band(
        paths.dataset(config, suite, task),
        scores,
        config.datasets.bands[quality],
        quality,
        f"raise suites.{suite}.sizes.{task} if there are few episodes, use another behaviour "
        f"policy, or set datasets.bands.{quality}",
    )


def check_band(
    path: Path, scores: dict, band: tuple[float, float], quality: str, advice: str
) -> None:
    """Raises BenchError, which says by how much, if the normalised score is outside the band."""
    (low, high), score = band, scores["normalized_score"]
    if low <= score <= high:
        return
    side, miss = ("below", low - score) if score < low else ("above", score - high)
    episodes_text = f"{scores['complete_episodes']} complete episodes"
    if not scores["complete_episodes"]:
        episodes_text = "no complete episode, only a cut one"
    raise BenchError(
        f"{path}: not written: mean {scores['metric']} {scores['mean_score']:.4g} over "
        f"{episodes_text}, normalised {score:.3f}, lies {miss:.3f} {side} the band {low:g} to "
        f"{high:g} of '{quality}'; {advice}"
    )
