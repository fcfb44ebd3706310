"""A run on pictures from its pool to its scores, an exported policy, a film, and bad input."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import envs
from cds_bench.behaviour.references import write_references
from cds_bench.config import parse
from cds_bench.dataset.pool import Pool, load_pool, save_pool
from cds_bench.errors import BenchError
from cds_bench.evaluation.evaluate import evaluate
from cds_bench.evaluation.external import evaluate_policies
from cds_bench.evaluation.film import film
from cds_bench.evaluation.policy import load_policies
from cds_bench.statistics import schema
from cds_bench.storage import paths
from cds_bench.training.run import run

SUITE = "pick-place-small"
TASKS = envs.SUITES[SUITE].tasks
KEY = (SUITE, "cql", "no_sharing", "0-1")
ROWS = 12  # per task


def make_pool(picture=(48, 48, 3)) -> Pool:
    rng = np.random.default_rng(0)
    rows = ROWS * len(TASKS)
    ends = np.arange(rows) % 6 == 5
    return Pool(
        suite=SUITE,
        domain="vision",
        tasks=TASKS,
        observations=rng.integers(0, 256, (rows + ends.sum(), *picture), np.uint8),
        actions=rng.uniform(-1, 1, (rows, 4)).astype(np.float32),
        next_observations=None,
        rewards=rng.integers(0, 2, (rows, len(TASKS))).astype(np.float32),
        terminals=np.zeros((rows, len(TASKS)), np.float32),
        source=np.repeat(np.arange(len(TASKS)), ROWS),
        ends=ends,
        observation_mean=None,
        observation_scale=None,
    )


def make_config(folder, **training):
    values = {
        "profile": "tiny", "results": str(folder), "suites": {SUITE: {}},
        "datasets": {"reference_episodes": 1}, "algorithms": {"cql": {"actions": 2}},
        "sharing": {"no_sharing": {}}, "seeds": 2, "seeds_per_job": 2,
        "training": {"steps": 4, "batch_size": 32, "hidden": [32], "log_points": 2,
                     "shift_steps": 2, "device": "cpu", "augmentation": "shift"} | training,
        "protocol": {"curve_snapshots": 1, "final_snapshots": 1, "curve_episodes": 1,
                     "final_episodes": 1, "reference": "no_sharing"},
        "baselines": {"d3rlpy_cql": {}},
    }  # fmt: skip
    return parse(values, "test")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The configuration of a finished and evaluated run on random pictures."""
    config = make_config(tmp_path_factory.mktemp("seen"))
    for task in TASKS:
        write_references(config, task)
    save_pool(paths.pool(config, SUITE), make_pool())
    run(config, *KEY)
    evaluate(config, *KEY)
    return config


def policies_of(config):
    return paths.run(config, *KEY) / "policies.safetensors"


def test_a_run_has_scores_for_every_task_and_seed(trained):
    scores = schema.read_scores(paths.run_scores(trained, *KEY))
    assert set(scores.task) == set(TASKS)
    assert len(scores[scores.metric == "success"]) == 2 * 2 * len(TASKS)  # snapshots, seeds
    assert scores.score.between(0, 1).all()
    values = pd.read_csv(paths.run_values(trained, *KEY))
    assert np.isfinite(values.select_dtypes("number")).all(axis=None)


def test_policies_hold_the_encoder_of_every_snapshot(trained):
    tensors = load_file(policies_of(trained))
    assert tensors["encoder_w0"].shape == (2, 2, 48, 32)
    assert not np.array_equal(*tensors["encoder_w0"])
    assert "observation_mean" not in tensors
    policies = load_policies(policies_of(trained))
    pictures = make_pool().observations[None, :3].repeat(2, axis=0)
    actions = policies.act(-1, 0, pictures)
    assert actions.shape == (2, 3, 4)
    np.testing.assert_array_equal(policies.of([1]).act(-1, 0, pictures[:1])[0], actions[1])


def test_a_killed_run_goes_on_to_the_same_bytes(trained, tmp_path, monkeypatch):
    from cds_bench.training import loop

    config = make_config(tmp_path)
    save_pool(paths.pool(config, SUITE), make_pool())
    step = loop.train_step

    def dies(job, pool, state):
        if state.step == 3:
            raise KeyboardInterrupt
        return step(job, pool, state)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", dies)
        with pytest.raises(KeyboardInterrupt):
            run(config, *KEY, save_every=0.0)
    assert list(paths.checkpoints(config, *KEY).glob("*.pt"))
    run(config, *KEY, save_every=0.0)
    assert policies_of(config).read_bytes() == policies_of(trained).read_bytes()


def test_a_film_shows_a_trained_policy(trained, tmp_path):
    output = tmp_path / "film.gif"
    said = film(trained, SUITE, TASKS[0], str(paths.run(trained, *KEY)), 0, output)
    assert re.search(r"seeds0-1 on lift-can, \d+ steps, success", said)
    assert output.stat().st_size > 0


@pytest.fixture
def exported(trained, tmp_path):
    """Writes the run's policies as an external baseline would, after a change."""

    def write(change=lambda tensors: None):
        tensors = load_file(policies_of(trained))
        tensors = {name: x for name, x in tensors.items() if not name.startswith("critic")}
        for name in [name for name in tensors if name.startswith("b")]:
            width = tensors[f"w{name[1:]}"].shape[-1]
            tensors[name] = np.ascontiguousarray(tensors[name][..., :width])
        change(tensors)
        path, said = tmp_path / "policies.safetensors", {"suite": SUITE, "tasks": list(TASKS)}
        save_file(tensors, path, {"run": json.dumps(said)})
        return path

    return write


def test_exported_policies_score_like_our_own(trained, exported):
    evaluate_policies(trained, "d3rlpy_cql", SUITE, "no_sharing", [exported()])
    ours = schema.read_scores(paths.run_scores(trained, *KEY))
    theirs = schema.read_scores(paths.baseline_scores(trained, "d3rlpy_cql", SUITE))
    pd.testing.assert_frame_equal(theirs.assign(algorithm="cql"), ours)


def without(*names):
    return lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith(names)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("encoder_w", "encoder_b"), "'observation_mean' is missing"),
        (without("encoder_strides"), "'encoder_strides' is missing"),
        (
            lambda t: t.update(encoder_strides=np.array([4, 2])),
            "encoder_strides are [4, 2]; expected 3, all positive",
        ),
        (
            lambda t: t.update(encoder_strides=np.array([4, 0, 1])),
            "encoder_strides are [4, 0, 1]; expected 3, all positive",
        ),
        (
            lambda t: t.update(encoder_w0=t["encoder_w0"][:, :, 1:].copy()),
            "'encoder_w0' has shape (2, 2, 47, 32), expected (2, 2, 27, 32)",
        ),
        (lambda t: t.update(encoder_strides=np.array([16, 2, 1])), "'encoder_w2' has shape"),
        (lambda t: t.update(encoder_b1=t["encoder_b1"] * np.nan), "'encoder_b1' has values that"),
    ],
)
def test_invalid_encoders_are_refused(trained, exported, change, message):
    path = exported(change)
    with pytest.raises(BenchError, match=re.escape(message)) as error:
        evaluate_policies(trained, "d3rlpy_cql", SUITE, "no_sharing", [path])
    assert str(error.value).startswith(str(path))


def test_pictures_of_another_size_are_refused_where_they_matter(tmp_path):
    config = make_config(tmp_path)
    save_pool(paths.pool(config, SUITE), make_pool((16, 16, 3)))
    with pytest.raises(BenchError, match=r"small\.hdf5: observations have 16 x 16 pixels, which"):
        run(config, *KEY)


def test_a_pool_says_which_pictures_it_has(trained, tmp_path):
    pool = load_pool(paths.pool(trained, SUITE))
    with safe_open(policies_of(trained), framework="numpy") as file:
        assert json.loads(file.metadata()["run"])["pool"] == pool.sha256
