"""Headroom against closed forms on pools of a few rows."""

import dataclasses

import numpy as np
import pytest

from cds_bench.dataset.headroom import COLUMNS, headroom
from cds_bench.dataset.pool import Pool


def make_pool(rewards, source, ends, terminals=None) -> Pool:
    """A pool in which only rewards, source, ends and terminals matter."""
    rewards, source = np.array(rewards, np.float32), np.array(source)
    rows, tasks = rewards.shape
    return Pool(
        suite="toy",
        domain="toy",
        tasks=("first", "second", "third")[:tasks],
        observations=np.zeros((rows, 1), np.float32),
        actions=np.zeros((rows, 1), np.float32),
        next_observations=np.zeros((rows, 1), np.float32),
        rewards=rewards,
        terminals=np.zeros_like(rewards) if terminals is None else np.array(terminals, np.float32),
        source=source,
        ends=np.array(ends, bool),
        observation_mean=np.zeros((tasks, 1), np.float32),
        observation_scale=np.ones((tasks, 1), np.float32),
    )


def test_two_episodes_by_hand():
    """The first task's own returns are 1.75, 1.5, 1; the second's data return 2, 2, 0 under it."""
    pool = make_pool([[1, 0], [1, 0], [1, 0], [1, 4], [2, 4], [0, 8]], [0, 0, 0, 1, 1, 1],
                     [0, 0, 1, 0, 0, 1])  # fmt: skip
    frame = headroom(pool, 0.5)
    assert list(frame) == COLUMNS
    first, second = frame.itertuples(index=False)
    own = np.array([1.75, 1.5, 1.0])
    assert first[:6] == ("toy", "first", "second", 0.5, 3, 3)
    assert first.own_mean == pytest.approx(own.mean())
    assert first.mean == pytest.approx(4 / 3)
    assert first.above_mean == pytest.approx(2 / 3)
    assert first.above_high == pytest.approx(2 / 3)
    assert second[:3] == ("toy", "second", "first")
    assert second.own_mean == pytest.approx((8 + 8 + 8) / 3)
    assert (second.mean, second.above_mean, second.above_high) == (0, 0, 0)


def test_between_the_mean_and_the_90th_percentile():
    """Own returns 0 to 10 have mean 5 and 90th percentile 9; candidates are 5, 6, 9 and 10."""
    pool = make_pool(np.c_[[*range(11), 5, 6, 9, 10], np.zeros(15)], [0] * 11 + [1] * 4, [1] * 15)
    first = headroom(pool, 0.99).iloc[0]
    assert first.above_mean == 0.75
    assert first.above_high == 0.25


@pytest.mark.parametrize(("better", "expected"), [(0, [0.0, 1.0]), (1, [1.0, 0.0])])
def test_all_or_nothing(better, expected):
    """All transitions of one source return more than all of the other's under every task."""
    source = np.repeat([0, 1], 20)
    rewards = np.where(source == better, 1.0, -1.0)[:, None] + np.zeros((40, 2))
    frame = headroom(make_pool(rewards, source, np.arange(40) % 10 == 9), 0.9)
    assert frame["above_mean"].tolist() == frame["above_high"].tolist() == expected


def test_a_terminal_of_the_target_ends_its_return_inside_the_sources_episode():
    pool = make_pool([[0, 0], [1, 0], [9, 0]], [0, 1, 1], [1, 0, 1])
    closed = dataclasses.replace(pool, terminals=np.float32([[0, 0], [1, 0], [0, 0]]))
    assert headroom(pool, 0.5)["mean"].iloc[0] == (1 + 4.5 + 9) / 2
    assert headroom(closed, 0.5)["mean"].iloc[0] == (1 + 9) / 2


def test_every_pair_of_different_tasks_has_one_row():
    rng = np.random.default_rng(0)
    source = np.repeat([0, 1, 2], [5, 7, 9])
    frame = headroom(make_pool(rng.random((21, 3)), source, np.ones(21)), 0.99)
    pairs = list(zip(frame["target"], frame["source"], strict=True))
    assert len(set(pairs)) == 6
    assert all(target != other for target, other in pairs)
    size = {"first": 5, "second": 7, "third": 9}
    assert frame["own_transitions"].tolist() == [size[target] for target, _ in pairs]
    assert frame["transitions"].tolist() == [size[other] for _, other in pairs]
