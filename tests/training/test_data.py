"""Sampling and relabelling of batches."""

import numpy as np
import pytest
import torch

from cds_bench.dataset.pool import Pool
from cds_bench.dataset.returns import returns_to_go
from cds_bench.errors import BenchError
from cds_bench.training import data

COUNTS = (10, 30, 60)
DISCOUNT = 0.9


def make_pool(counts=COUNTS) -> Pool:
    total, tasks = sum(counts), len(counts)
    rng = np.random.default_rng(0)
    source = np.repeat(np.arange(tasks), counts)
    return Pool(
        suite="toy",
        domain="toy",
        tasks=tuple(f"task-{i}" for i in range(tasks)),
        observations=rng.normal(size=(total, 4)).astype(np.float32),
        actions=rng.uniform(-1, 1, (total, 2)).astype(np.float32),
        next_observations=rng.normal(size=(total, 4)).astype(np.float32),
        rewards=np.arange(total * tasks, dtype=np.float32).reshape(total, tasks),
        terminals=(rng.random((total, tasks)) < 0.3).astype(np.float32),
        source=source,
        ends=np.append(np.diff(source) > 0, True) | (np.arange(total) % 7 == 6),
        observation_mean=np.full((tasks, 4), 0.5, np.float32)
        + np.arange(tasks, dtype=np.float32)[:, None],
        observation_scale=np.full((tasks, 4), 0.2, np.float32),
    )


@pytest.fixture
def pool():
    return data.to_device(make_pool(), "cpu", DISCOUNT)


def draws(batch: int) -> torch.Tensor:
    shape = (2, len(COUNTS), batch)
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("composition", ["own", "union", "balanced"])
def test_offered_rows_are_uniform_over_the_rows_of_their_composition(pool, composition):
    batch = 60_000
    rows = data.offer_rows(pool, composition, draws(batch))
    for task, (first, count) in enumerate(zip(pool.first.tolist(), COUNTS, strict=True)):
        own = set(range(first, first + count))
        foreign = set(range(sum(COUNTS))) - own
        halves = {"own": [(slice(None), own)], "union": [(slice(None), own | foreign)]}.get(
            composition, [(slice(None, batch // 2), own), (slice(batch // 2, None), foreign)]
        )
        for part, expected in halves:
            found = torch.bincount(rows[0, task, part], minlength=sum(COUNTS)).numpy()
            assert set(np.flatnonzero(found)) == expected
            mean = found.sum() / len(expected)
            assert np.abs(found[list(expected)] - mean).max() < 6 * np.sqrt(mean)


def test_balanced_sources_offers_every_other_task_alike(pool):
    """Datasets of different sizes get equal parts of the second half, uniform over their rows."""
    batch = 60_000
    rows = data.offer_rows(pool, "balanced_sources", draws(batch))
    for task in range(len(COUNTS)):
        found = torch.bincount(rows[0, task], minlength=sum(COUNTS)).numpy()
        for source, (first, count) in enumerate(zip(pool.first.tolist(), COUNTS, strict=True)):
            part = found[first : first + count]
            share = 1 / 2 if source == task else 1 / 2 / (len(COUNTS) - 1)
            assert part.sum() == batch * share
            assert np.abs(part - part.mean()).max() < 6 * np.sqrt(part.mean())


def test_extreme_draws_stay_in_range(pool):
    edge = torch.tensor([0.0, np.nextafter(1.0, 0.0)], dtype=torch.float64).expand(1, 3, 2)
    for composition in ("own", "union", "balanced", "balanced_sources"):
        rows = data.offer_rows(pool, composition, edge)
        assert ((rows >= 0) & (rows < sum(COUNTS))).all()
        own = data.make_offer(pool, rows).own
        assert composition != "own" or own.all()
        assert "balanced" not in composition or (own[..., :1].all() and not own[..., 1:].any())


def test_gather_relabels_for_the_requested_task(pool):
    toy = make_pool()
    rows = torch.tensor([[[0, 99], [5, 50], [20, 7]]])
    task = torch.tensor([[[2, 0], [1, 1], [0, 2]]])
    weight = torch.rand(1, 3, 2)
    batch = data.relabel(pool, data.gather(pool, rows), task, weight)
    flat_rows, flat_task = rows.flatten().numpy(), task.flatten().numpy()
    assert batch.rewards[0].tolist() == toy.rewards[flat_rows, flat_task].tolist()
    assert batch.terminals[0].tolist() == toy.terminals[flat_rows, flat_task].tolist()
    expected = (toy.observations[flat_rows] - 0.5 - flat_task[:, None]) / 0.2
    assert np.abs(expected).max() > 10.0
    np.testing.assert_allclose(batch.states[0, :, :4], expected.clip(-10, 10), rtol=1e-4)
    np.testing.assert_array_equal(batch.states[0, :, 4:], np.eye(3)[flat_task])
    np.testing.assert_array_equal(batch.next_states[0, :, 4:], np.eye(3)[flat_task])
    np.testing.assert_array_equal(batch.actions[0], toy.actions[flat_rows])
    assert torch.equal(batch.weight, weight.flatten(1))


def test_returns_use_the_affine_reward():
    """They sum scale r + shift, and the shift continues after a cut: the units of the critic."""
    toy = make_pool()
    plain = data.to_device(toy, "cpu", DISCOUNT)
    expected = returns_to_go(toy.rewards, toy.terminals, toy.ends, DISCOUNT)
    assert plain.returns.dtype == torch.float32
    np.testing.assert_array_equal(plain.returns, expected)
    toy.terminals[:] = 0.0
    expected = 10.0 * returns_to_go(toy.rewards, toy.terminals, toy.ends, DISCOUNT) - 50.0
    pool = data.to_device(toy, "cpu", DISCOUNT, reward_scale=10.0, reward_shift=-5.0)
    np.testing.assert_allclose(pool.returns, expected, rtol=1e-5)


def test_the_end_of_a_failed_episode_is_not_better_than_reaching_the_goal():
    """The reward is 10 r - 5. One episode reaches its goal in 7 steps; the others are cut."""
    toy = make_pool((21, 7))
    toy.rewards[:], toy.terminals[:] = 0.0, 0.0
    toy.rewards[6, 0] = toy.terminals[6, 0] = 1.0
    returns = data.to_device(toy, "cpu", DISCOUNT, 10.0, -5.0).returns[:, 0]
    assert returns[6] == 5.0
    assert (returns[7:] < returns[:7].min()).all()
    torch.testing.assert_close(returns[7:], torch.full((21,), -50.0))


def test_a_task_without_data_is_refused():
    with pytest.raises(BenchError, match="task 'task-1' has no transitions"):
        data.to_device(make_pool((10, 0, 20)), "cpu", DISCOUNT)


def test_unlabelled_transitions_get_the_tasks_lowest_reward():
    """It is min(0, min over the task's own data), because other data have no known rewards."""
    toy = make_pool()
    toy.rewards[:] = np.random.default_rng(1).normal(size=toy.rewards.shape)
    toy.rewards[toy.source == 1, 1] += 100.0  # never negative
    toy.rewards[0, 2] = -50.0  # on another task's data
    pool = data.to_device(toy, "cpu", DISCOUNT)
    own = [toy.rewards[toy.source == task, task].min() for task in range(3)]
    np.testing.assert_array_equal(pool.lowest, np.float32([own[0], 0.0, own[2]]))
    rows, task = torch.arange(6).view(1, 3, 2), torch.tensor([[[0, 0], [1, 1], [2, 2]]])
    unlabelled = torch.tensor([[[True, False], [True, False], [False, True]]])
    plain = data.relabel(pool, data.gather(pool, rows), task, torch.ones(rows.shape))
    batch = data.relabel(pool, data.gather(pool, rows), task, torch.ones(rows.shape), unlabelled)
    chosen = unlabelled.flatten(1)
    assert torch.equal(batch.rewards[chosen], pool.lowest[task.flatten(1)][chosen])
    assert torch.equal(batch.rewards[~chosen], plain.rewards[~chosen])
    assert torch.equal(batch.terminals, plain.terminals)
