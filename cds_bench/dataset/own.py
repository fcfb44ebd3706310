"""Datasets and reference scores of suites of your own: rolled out by a recipe, or from a file."""

import numpy as np

import envs
from cds_bench.behaviour.own import EXPERT, REFERENCE
from cds_bench.behaviour.recipes import recipes
from cds_bench.behaviour.references import summarised, write_measured
from cds_bench.behaviour.rollout import scores, uniform
from cds_bench.config import Config
from cds_bench.dataset import check, importing, store
from cds_bench.dataset.collect import (
    check_band,
    complete_scores,
    rollouts,
    seed_stream,
    summary,
    write_collected,
)
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.files import sha256
from cds_bench.storage.reference_scores import REFERENCES, normalised, read_references
from envs.own import FILE, KnownTask

FLOAT32 = float(np.finfo(np.float32).eps)
Columns = dict[str, np.ndarray]


def collect(config: Config, suite: str, task: str) -> None:
    """Writes the dataset of a task of your own if its score lies in the declared band.

    Raises BenchError if the file of its data is missing, too short or no dataset; if the task does
    not reproduce the file's rewards and terminations; or if the score is outside of the band.
    """
    known, size = envs.TASKS[task], config.size(suite, task)
    references = read_references(config, task)
    columns, about = _rolled(config, known, size) if known.path is None else _read(known, size)
    found = summary(columns, known)
    found["normalized_score"] = normalised(references, found["mean_score"])
    data = known.declared.data
    if data.band is not None:
        advice = f"correct `band`, `expert` or the data in {known.folder / FILE}"
        path = paths.dataset(config, suite, task)
        check_band(path, found, data.band, data.quality, advice)
    seeds = "" if known.path else seed_stream(task, data.quality)
    behaviour = [about | {"transitions": size}]
    write_collected(config, suite, task, columns, found, behaviour, seeds)


def _rolled(config: Config, known: KnownTask, size: int) -> tuple[Columns, dict]:
    env, quality = envs.make(known.name), known.declared.data.quality
    recipe = recipes(config, env, REFERENCE)[0]
    with Progress(f"collect {known.name}", size) as progress:
        columns, _ = rollouts(env, quality, [recipe.behaviour], size, progress)
    env.close()
    return columns, recipe.about


def _read(known: KnownTask, size: int) -> tuple[Columns, dict]:
    """The first `size` transitions of a task's file, and what it was."""
    columns = taken(known)
    if (rows := len(columns["rewards"])) < size:
        raise BenchError(
            f"{known.path}: it has {rows} transitions, but {known.folder / FILE} takes {size} for "
            f"'{known.name}'; lower `transitions`, or collect more"
        )
    digest = " ".join(map(sha256, known.files))
    about = {"policy": "unknown", "source": known.declared.data.source, "sha256": digest}
    return importing.first(columns, size), about


def taken(known: KnownTask) -> Columns:
    """The whole file of a task as the columns of its dataset, rewards and terminations checked.

    Rewards that were stored as float32 are replaced by the task's own if both agree to float32's
    rounding, so that every later stage can recompute them exactly.
    """
    found, rough = importing.read(known.path)
    data, name = known.declared.data, known.name
    remedy = f"correct the task in {known.folder / FILE}, or the file"
    with check.blame(known.path, remedy):
        expected = store.expected_columns(name)
        check.layout(found, expected)
        columns = {key: found[key] for key in expected}
        reward, terminal = known.reward(columns), known.terminal(columns)
        if data.relabel:
            ended = columns["terminals"] | columns["timeouts"]
            columns |= {"terminals": terminal, "timeouts": ended & ~terminal}
        agree = store.TOLERANCE + (FLOAT32 * np.abs(reward) if rough else 0.0)
        wrong = np.abs(reward - columns["rewards"]) > agree
        if not data.relabel:
            hint = f"not what '{name}' recomputes; relabel=True replaces them"
            check.none(wrong, "rewards", hint)
            check.none(terminal != columns["terminals"], "terminals", hint)
        if rough or data.relabel:
            columns["rewards"] = reward
        store.check_dataset(columns, name)
    return columns


def write_references(config: Config, task: str) -> None:
    """Writes the reference scores of a task of your own, as `behaviour.references` does.

    The random policy and recipes are rolled out. A file's behaviour is the mean over its complete
    episodes, and its expert the best of them if none is declared.
    """
    known, found = envs.TASKS[task], {}
    with Progress(f"references {task}", len(REFERENCES)) as progress:
        env = envs.make(task)
        for done, reference in enumerate(REFERENCES, start=1):
            found[reference] = _reference(config, env, known, reference)
            progress.update(done, f"{reference} {found[reference]['mean']:.4g}")
        env.close()
    write_measured(config, task, found)


def _reference(config: Config, env, known: KnownTask, reference: str) -> dict:
    declared = known.declared
    data = declared.data.source if reference == REFERENCE else declared.expert
    if reference == "random" or callable(data):
        if reference == "random":
            behaviour, about = uniform(env.action_space.shape[0]), {"policy": "uniform"}
        else:
            recipe = recipes(config, env, reference)[0]
            behaviour, about = recipe.behaviour, recipe.about
        rng = stream("reference", known.name, reference)
        values = scores(env, behaviour, rng, config.datasets.reference_episodes)
    elif reference == EXPERT and data is not None:
        values, about = np.array([float(data)]), {"policy": f"declared in {FILE}"}
    elif reference == EXPERT and known.metric == "success":
        values, about = np.ones(1), {"policy": "every episode solved"}
    else:
        values, *_ = complete_scores(taken(known), known)
        values = values.max(keepdims=True) if reference == EXPERT else values
        about = {"policy": "the data's best episode" if reference == EXPERT else "the data"}
    return summarised(values, reference, about)
