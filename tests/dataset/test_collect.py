"""Collecting datasets: exact sizes, named random streams, replay order, and the quality gate."""

import dataclasses

import numpy as np
import pytest

import envs
from cds_bench.behaviour.locomotion import snapshots
from cds_bench.behaviour.references import write_references
from cds_bench.behaviour.rollout import stochastic, uniform
from cds_bench.dataset import collect as collecting
from cds_bench.dataset.collect import collect, rollouts, summary
from cds_bench.dataset.store import episodes, read_dataset
from cds_bench.errors import BenchError
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage import paths
from cds_bench.storage.reference_scores import normalised, read_references

MIXED = "walker2d-mixed"


def read(config, task, suite=MIXED):
    return read_dataset(paths.dataset(config, suite, task), suite, task)


def roll(task, quality, behaviours, size):
    env = envs.make(task)
    with Progress("test", size) as progress:
        found = rollouts(env, quality, behaviours, size, progress)
    env.close()
    return found


@pytest.mark.parametrize("task", envs.SUITES[MIXED].tasks)
def test_a_dataset_has_its_size_quality_and_description(collected, task):
    columns, attributes = read(collected, task)
    assert len(columns["rewards"]) == collected.size(MIXED, task)
    assert attributes["quality"] == envs.SUITES[MIXED].sources[task].quality
    assert attributes["episodes"] == len(episodes(columns)[0])
    assert sum(share["transitions"] for share in attributes["behaviour"]) == len(columns["rewards"])
    expected = normalised(read_references(collected, task), attributes["mean_score"])
    assert attributes["normalized_score"] == pytest.approx(expected)
    assert attributes["score_quantiles"] == sorted(attributes["score_quantiles"])
    assert attributes["metric"] == "return"


def test_the_same_bytes_twice(collected, make_config, tmp_path):
    config = make_config(tmp_path)
    write_references(config, "jump")
    collect(config, MIXED, "jump")
    first, second = (paths.dataset(c, MIXED, "jump").read_bytes() for c in (config, collected))
    assert first == second


def test_suites_share_the_same_data_and_tasks_and_qualities_do_not(
    collected, make_config, tmp_path
):
    config = make_config(tmp_path, suites={"walker2d-expert": {"sizes": {"jump": 150}}})
    write_references(config, "jump")
    collect(config, "walker2d-expert", "jump")
    shorter, _ = read(config, "jump", "walker2d-expert")
    longer, _ = read(collected, "jump")
    for key in ("observations", "actions", "rewards", "next_observations"):
        np.testing.assert_array_equal(shorter[key], longer[key][:150])
    random = {
        (task, quality): roll(task, quality, [uniform(6)], 30)[0]["actions"].tobytes()
        for task in ("jump", "run-forward")
        for quality in ("random", "expert")
    }
    assert len(set(random.values())) == 4


def test_replay_uses_the_snapshots_in_order_and_in_equal_shares(collected):
    chosen = snapshots(collected, "run-forward", "medium-replay")
    behaviours = [stochastic(snapshot.policy) for snapshot in chosen]
    columns, shares = roll("run-forward", "medium-replay", behaviours, 600)
    starts, lengths = episodes(columns)
    np.testing.assert_allclose(shares, 200, atol=lengths.max())
    assert len(shares) == 3
    owner = np.repeat(np.arange(3), shares)
    np.testing.assert_array_equal(np.unique(owner[starts]), [0, 1, 2])
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        assert len(set(owner[start : start + length])) == 1
        act = behaviours[owner[start]].begin(None)
        rng = stream("collect", "run-forward", "medium-replay", number)
        env = envs.make("run-forward")
        first, _ = env.reset(seed=int(rng.integers(2**31)))
        np.testing.assert_array_equal(columns["actions"][start], act(first, rng))
        env.close()


def test_only_the_last_episode_is_cut():
    columns, _ = roll("jump", "random", [uniform(6)], 137)
    assert len(columns["rewards"]) == 137
    assert columns["terminals"].sum() >= 2
    np.testing.assert_array_equal(np.flatnonzero(columns["timeouts"]), [136])


def test_returns_are_of_complete_episodes():
    columns = {
        "rewards": np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
        "terminals": np.array([0, 1, 0, 0, 0, 0], bool),
        "timeouts": np.array([0, 0, 0, 0, 1, 1], bool),
    }
    task = dataclasses.replace(envs.TASKS["jump"], horizon=3)
    scores = summary(columns, task)
    assert (scores["episodes"], scores["complete_episodes"]) == (3, 2)
    assert scores["mean_score"] == (3 + 28) / 2
    assert scores["score_quantiles"] == [3.0, 9.25, 15.5, 21.75, 28.0]
    cut = {key: column[5:] for key, column in columns.items()}
    assert summary(cut, task)["mean_score"] == 32
    assert summary(cut, task)["complete_episodes"] == 0
    success = dataclasses.replace(task, metric="success")
    rewards = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    assert summary(columns | {"rewards": rewards}, success)["mean_score"] == 0.5


@pytest.mark.parametrize(
    ("band", "message"),
    [
        ((1e3, 1e4), r"normalised [-.\d]+, lies [\d.]+ below the band 1000 to 10000 of 'expert'"),
        ((-1e4, -1e3), r"lies [\d.]+ above the band -10000 to -1000 of 'expert'.*walker2d-mixed"),
    ],
)
def test_the_gate_says_by_how_much_and_writes_nothing(make_config, tmp_path, band, message):
    config = make_config(tmp_path, datasets={"bands": {"expert": band}, "reference_episodes": 3})
    write_references(config, "jump")
    with pytest.raises(BenchError, match=message) as error:
        collect(config, MIXED, "jump")
    assert str(error.value).startswith(str(paths.dataset(config, MIXED, "jump")))
    assert not paths.dataset(config, MIXED, "jump").parent.exists()


def test_a_missing_reference_is_named(make_config, tmp_path):
    with pytest.raises(BenchError, match=r"references/jump\.json: no such file; run the stage"):
        collect(make_config(tmp_path), MIXED, "jump")


def test_random_data_need_no_policy(make_config, tmp_path):
    config = make_config(tmp_path, suites={"walker2d-random": {"sizes": {"jump": 40}}})
    write_references(config, "jump")
    paths.behaviour(config, "jump").unlink()
    collect(config, "walker2d-random", "jump")
    _, attributes = read(config, "jump", "walker2d-random")
    assert attributes["behaviour"] == [{"policy": "uniform", "transitions": 40}]


def test_an_interruption_leaves_no_file(make_config, tmp_path, monkeypatch):
    config = make_config(tmp_path)
    write_references(config, "jump")
    calls = []

    def interrupted(*arguments, **options):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return original(*arguments, **options)

    original = collecting.episode
    monkeypatch.setattr(collecting, "episode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect(config, MIXED, "jump")
    assert not paths.dataset(config, MIXED, "jump").parent.exists()
