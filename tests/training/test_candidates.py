"""What a strategy selects: measures against references, and the rows that training writes."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from cds_bench.records import Sharing
from cds_bench.training import candidates, loop
from tests.training.test_data import make_pool
from tests.training.test_loop import make_job, train

DECILES = [f"weight_d{k}" for k in range(1, 11)]


def ranked(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Dependent weights and returns with many ties."""
    rng = np.random.default_rng(seed)
    returns = rng.integers(0, 15, n).astype(float)
    return np.round(1 / (1 + np.exp(-0.2 * returns - rng.normal(size=n))), 1), returns


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs_in_order(seed):
    weight, returns = ranked(seed)
    top = candidates.top_quarter(stats.rankdata(returns))
    pairs = itertools.product(weight[top], weight[~top])
    counted = np.mean([(a > b) + (a == b) / 2 for a, b in pairs])
    found = candidates.auc(stats.rankdata(weight), top)
    assert found == pytest.approx(counted)
    u = stats.mannwhitneyu(weight[top], weight[~top]).statistic
    assert found == pytest.approx(u / (top.sum() * (~top).sum()))
    assert 0.5 < found < 1


@pytest.mark.parametrize("seed", range(5))
def test_spearman_is_scipys(seed):
    weight, returns = ranked(seed)
    expected = stats.spearmanr(weight, returns).statistic
    assert candidates.measures(weight, returns)["spearman"] == pytest.approx(expected)


def test_a_perfect_and_a_reversed_selection():
    returns = np.arange(100.0)
    found = candidates.measures((returns >= 75).astype(float), returns)
    assert found["auc"] == 1
    assert found["weight"] == 0.25
    assert [found[name] for name in DECILES] == [0] * 7 + [0.5, 1, 1]
    found = candidates.measures(-returns, returns)
    assert (found["auc"], found["spearman"]) == (0, pytest.approx(-1))


def test_a_constant_weight_selects_nothing():
    found = candidates.measures(np.full(50, 0.3), np.arange(50.0))
    assert found["auc"] == 0.5
    assert np.isnan(found["spearman"])
    assert [found[name] for name in DECILES] == pytest.approx([0.3] * 10)


def test_equal_returns_stay_together():
    """Nine of ten returns are 0. They are in the fifth decile; the tenth is the top quarter."""
    returns = np.repeat([0.0, 5.0], [90, 10])
    weight = np.repeat([0.1, 0.2], [90, 10])
    found = candidates.measures(weight, returns)
    assert found["auc"] == 1
    defined = {name for name in DECILES if not np.isnan(found[name])}
    assert defined == {"weight_d5", "weight_d10"}
    assert (found["weight_d5"], found["weight_d10"]) == pytest.approx((0.1, 0.2))


def test_returns_that_do_not_differ_have_no_order():
    found = candidates.measures(np.linspace(0, 1, 20), np.zeros(20))
    assert np.isnan(found["auc"])
    assert np.isnan(found["spearman"])
    assert found["weight"] == pytest.approx(0.5)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10, 64, 1000])
def test_deciles_and_quarter_of_different_values(n):
    rank = 1.0 + np.random.default_rng(n).permutation(n)
    sizes = np.bincount(candidates.decile(rank), minlength=10)
    assert sizes.max() - sizes.min() <= 1
    assert abs(candidates.top_quarter(rank).sum() - n / 4) <= 0.5


def test_the_newest_steps_are_kept_and_no_more():
    kept = []
    for step in range(50):
        rows = torch.full((1, 2, 128), step)
        kept = candidates.keep(kept, rows, Sharing(rows.float()))
    assert [int(rows[0, 0, 0]) for rows, _, _ in kept] == list(range(34, 50))  # 16 x 64 candidates
    assigned = Sharing(rows.float(), task=rows)
    assert len(candidates.keep(kept, rows, assigned)) == 8  # both tasks' rows are offered to each
    large = torch.zeros(1, 2, 4096)
    assert len(candidates.keep([[large, large, None]], large, Sharing(large))) == 1


def by_hand(pool, kept, target):
    """Weights and returns of seed 0's candidates, one by one."""
    found = []
    for rows, weight, task in kept:
        for offered, place in itertools.product(range(pool.tasks), range(rows.shape[2])):
            row = int(rows[0, offered, place])
            if int(pool.source[row]) == target or (task is None and offered != target):
                continue
            taken = task is None or int(task[0, offered, place]) == target
            found.append(
                (float(weight[0, offered, place]) * taken, float(pool.returns[row, target]))
            )
    return found


@pytest.mark.parametrize("sharing", ["cds", "hipi", "sharing_all"])
def test_candidates_by_hand(sharing):
    """HIPI's candidates are all transitions of other tasks; weight 1 if the target got them."""
    job = make_job(sharing=sharing)
    pool = loop.device_pool(job, make_pool())
    state = loop.start(job, pool)
    for _ in range(3):
        state.recorder.add(*loop.train_step(job, pool, state), state.step)
    kept = state.recorder.kept
    assert len(kept) == 3
    found = {target: values for _, target, values in candidates.measured(pool, kept)}
    for target in range(pool.tasks):
        weight, returns = np.array(by_hand(pool, kept, target)).T
        expected = candidates.measures(weight, returns)
        assert found[target] == pytest.approx(expected, nan_ok=True)


def selected(result) -> dict[str, np.ndarray]:
    """Values by metric, in the order of seed, step and target."""
    rows = result.metrics[result.metrics.metric.str.startswith("selection_")]
    return {str(name): part.value.to_numpy() for name, part in rows.groupby("metric")}


@pytest.mark.parametrize("sharing", ["cds", "cds_basic", "hipi", "sharing_all", "uds"])
def test_rows_of_training(sharing):
    result = train(sharing=sharing, seeds=[0, 1])
    found = selected(result)
    names = ("auc", "spearman", "weight", *DECILES)
    assert set(found) == {f"selection_{name}" for name in names}
    assert all(len(values) == 2 * 3 * 3 for values in found.values())  # seeds, log points, targets
    rows = result.metrics[result.metrics.metric == "selection_auc"]
    assert set(rows.target) == {"task-0", "task-1", "task-2"}
    assert set(rows.source) == {""}
    assert set(rows.step) == {4, 8, 12}
    assert ((found["selection_auc"] >= 0) & (found["selection_auc"] <= 1)).all()
    if sharing in ("sharing_all", "uds"):
        assert (found["selection_auc"] == 0.5).all()
        assert (found["selection_weight"] == 1).all()
        assert np.isnan(found["selection_spearman"]).all()
    if sharing == "hipi":
        assert ((found["selection_weight"] > 0) & (found["selection_weight"] < 1)).all()


def test_without_candidates_there_are_no_rows():
    assert selected(train(sharing="no_sharing")) == {}


def test_a_strategy_that_knows_the_returns_has_the_best_auc():
    """The weights are ranks of the return-to-go itself instead of a critic's estimate."""

    class Knowing:
        __name__ = "knowing"
        Config = make_job().strategy.Config

        @staticmethod
        def share(config, offer, critic, uniform, state):
            returns = critic.returns(offer.task)
            scale = returns.abs().amax(-1, keepdim=True)
            return Sharing(weight=torch.where(offer.own, 1.0, (returns / scale + 1) / 2))

    result = train(strategy=Knowing, steps=12)
    found = selected(result)
    assert found["selection_weight_d10"].min() > found["selection_weight_d1"].max()
    assert found["selection_auc"].min() > 0.9
