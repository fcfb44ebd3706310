"""Delta and the weights against exact numbers: a small tabular MDP, and cases by hand."""

import math

import numpy as np
import pytest
import torch

from cds_bench.errors import BenchError
from cds_bench.records import Critic, Offer
from cds_bench.sharing import cds, cds_basic, cds_uds, hipi, sharing_all, skill_sharing, uds
from cds_bench.sharing.improvement import improvement

DISCOUNT = 0.5
UNUSED = (lambda task: None, lambda task: None)  # views of the critic that these tests do not need
# There are two states and two actions. The action is the next state. Task i pays 1 for arriving in
# state i.
REWARDS = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])  # [task, state, action]


def optimal_q() -> np.ndarray:
    """Q*[task, state, action] by value iteration. Both goals can be held forever, so V* = 2."""
    q = np.zeros_like(REWARDS)
    for _ in range(100):
        value = q.max(-1)  # [task, state]
        q = REWARDS + DISCOUNT * value[:, None, :]
    return q


def offer_of(source):
    source = torch.tensor(source)[None]
    task = torch.arange(source.shape[1])[None, :, None].expand_as(source)
    return Offer(source, task, source == task, ("a-x", "a-y", "b-x"))


@pytest.fixture
def tabular():
    """An offer of state-action pairs to both tasks, and the exact critic."""
    states = torch.tensor([[[0, 0, 1, 0, 1], [1, 0, 1, 0, 0]]])
    actions = torch.tensor([[[0, 1, 1, 0, 1], [1, 1, 0, 0, 1]]])
    table = torch.from_numpy(optimal_q()).float()
    critic = Critic(lambda task: table[task, states, actions], *UNUSED)
    return offer_of([[0, 0, 0, 1, 1], [1, 1, 1, 0, 0]]), critic


def test_value_iteration_is_exact():
    # the good action: 1 + 0.5 * 2 = 2; the bad one: 0 + 0.5 * 2 = 1
    np.testing.assert_allclose(optimal_q()[0], [[2.0, 1.0], [2.0, 1.0]], atol=1e-12)


def test_delta_on_a_tabular_mdp(tabular):
    offer, critic = tabular
    values = critic.value(offer.task)
    # task 0's own Q are 2, 1, 1: the 90th percentile is 1 + 0.8 * (2 - 1) = 1.8
    # task 1's own Q are 2, 2, 1: the 90th percentile is 2
    delta = improvement(values, offer.own, 90.0)[0]
    torch.testing.assert_close(delta[0], torch.tensor([0.2, -0.8, -0.8, 0.2, -0.8]))
    torch.testing.assert_close(delta[1], torch.tensor([0.0, 0.0, -1.0, -1.0, 0.0]))


def test_delta_uses_numpys_percentile():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 3, 40)).astype(np.float32)
    own = rng.random((2, 3, 40)) < 0.5
    delta = improvement(torch.from_numpy(values), torch.from_numpy(own), 75.0).numpy()
    for s in range(2):
        for i in range(3):
            threshold = np.percentile(values[s, i][own[s, i]], 75.0)
            np.testing.assert_allclose(delta[s, i], values[s, i] - threshold, atol=1e-6)


def test_nothing_improves_on_a_task_without_own_data():
    values = torch.randn(1, 1, 4)
    for threshold in ("mean", 90.0):
        delta = improvement(values, torch.zeros(1, 1, 4, dtype=bool), threshold)
        assert (delta == -torch.inf).all()


def test_the_mean_threshold_on_a_tabular_mdp(tabular):
    """Task 0's own Q are 2, 1, 1 with mean 4/3. Task 1's own Q are 2, 2, 1 with mean 5/3."""
    offer, critic = tabular
    delta = improvement(critic.value(offer.task), offer.own, "mean")[0]
    torch.testing.assert_close(delta[0], torch.tensor([2, 1, 1, 2, 1]) - 4 / 3)
    torch.testing.assert_close(delta[1], torch.tensor([2, 2, 1, 1, 2]) - 5 / 3)


@pytest.mark.parametrize("threshold", ["mean", 90.0])
def test_cds_basic_accepts_exactly_what_reaches_the_threshold(tabular, threshold):
    offer, critic = tabular
    config = cds_basic.Config(threshold=threshold)
    weight = cds_basic.share(config, offer, critic, torch.rand(1, 2, 5), None).weight
    assert weight.tolist() == [[[1, 1, 1, 1, 0], [1, 1, 1, 0, 1]]]


def test_cds_weights_by_hand(tabular):
    offer, critic = tabular
    first = cds.share(cds.Config(threshold=90.0), offer, critic, torch.rand(1, 2, 5), None)
    # task 0: candidates' Delta 0.2 and -0.8, tau = 0.5; task 1: -1 and 0, tau = 0.5

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    expected = [[1, 1, 1, sigmoid(0.4), sigmoid(-1.6)], [1, 1, 1, sigmoid(-2.0), 0.5]]
    torch.testing.assert_close(first.weight[0], torch.tensor(expected))
    torch.testing.assert_close(first.state, torch.full((1, 2, 1), 0.5))


def test_cds_tau_is_a_moving_average_with_a_floor(tabular):
    offer, critic = tabular
    config = cds.Config(threshold=90.0, decay=0.9)
    state = torch.tensor([[[1.0], [2.0]]])
    second = cds.share(config, offer, critic, torch.rand(1, 2, 5), state)
    expected = [[[0.9 * 1.0 + 0.1 * 0.5], [0.9 * 2.0 + 0.1 * 0.5]]]
    torch.testing.assert_close(second.state, torch.tensor(expected))
    flat = Critic(lambda task: torch.zeros(task.shape), *UNUSED)
    floored = cds.share(config, offer, flat, torch.rand(1, 2, 5), None)
    assert (floored.state == config.floor).all()
    assert (floored.weight[~offer.own] == 0.5).all()


def test_cds_fixed_tau(tabular):
    offer, critic = tabular
    decision = cds.share(cds.Config(tau=2.0), offer, critic, torch.rand(1, 2, 5), None)
    delta = improvement(critic.value(offer.task), offer.own, "mean")
    candidates = ~offer.own
    torch.testing.assert_close(decision.weight[candidates], (delta / 2.0).sigmoid()[candidates])


def test_hipi_posterior_by_hand():
    scores = torch.tensor([[[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]]])
    standard = np.array(
        [[-1.0, -1 / math.sqrt(3)], [0.0, -1 / math.sqrt(3)], [1, 2 / math.sqrt(3)]]
    )
    logits = standard / 0.5 - np.log(np.exp(standard / 0.5).mean(0))
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    result = hipi.posterior(scores, temperature=0.5)[0]
    torch.testing.assert_close(result, torch.from_numpy(expected).float())


def test_hipi_samples_from_the_posterior():
    source = torch.zeros(1, 2, 20_000, dtype=torch.int64)
    task = torch.arange(2)[None, :, None].expand_as(source)
    offer = Offer(source, task, source == task, ("a-x", "a-y", "b-x"))
    values = torch.randn(1, 2, 20_000, generator=torch.Generator().manual_seed(1))
    critic = Critic(lambda task: values * (2 * task - 1), *UNUSED)
    uniform = torch.rand(1, 2, 20_000, generator=torch.Generator().manual_seed(2))
    decision = hipi.share(hipi.Config(), offer, critic, uniform, None)
    scores = torch.stack([-values, values], -1).flatten(1, 2)
    probability = hipi.posterior(scores, 1.0)[..., 1].view_as(values)
    assert abs(decision.task.float().mean() - probability.mean()) < 0.01
    likely = probability > 0.8
    observed = decision.task[likely].float().mean()
    assert abs(observed - probability[likely].mean()) < 0.01


def test_hipi_backup_form_uses_the_backup(tabular):
    offer, _ = tabular
    certain = Critic(
        lambda task: None, lambda task: torch.randn(task.shape) + 100.0 * task, *UNUSED[1:]
    )
    decision = hipi.share(hipi.Config(form="backup"), offer, certain, torch.rand(1, 2, 5), None)
    assert decision.task.shape == offer.task.shape


@pytest.mark.parametrize("plain", [cds, sharing_all])
def test_without_rewards_the_weights_are_those_of_the_strategy_with_them(tabular, plain):
    offer, critic = tabular
    bare = {cds: cds_uds, sharing_all: uds}[plain]
    uniform = torch.rand(1, 2, 5)
    expected = plain.share(plain.Config(), offer, critic, uniform, None)
    found = bare.share(bare.Config(), offer, critic, uniform, None)
    assert torch.equal(found.weight, expected.weight)
    assert expected.unlabelled is None
    assert torch.equal(found.unlabelled, ~offer.own)


def share_skills(groups, tasks):
    source = torch.arange(4).view(1, 1, 4).expand(1, 4, 4)
    task = source.mT
    offer = Offer(source, task, source == task, tasks)
    config = skill_sharing.Config(groups=groups)
    return skill_sharing.share(config, offer, None, torch.rand(1, 4, 4), None).weight[0].tolist()


def test_skills_are_the_first_words_of_the_tasks_names():
    names = ("door-open", "drawer-open", "door-close", "jump")
    shared = [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert share_skills((), names) == shared


def test_skills_can_be_configured_and_a_task_in_none_is_alone():
    names = ("door-open", "drawer-open", "door-close", "jump")
    opening = (("door-open", "drawer-open"),)
    shared = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert share_skills(opening, names) == shared
    with pytest.raises(BenchError, match=r"unknown task 'door-opn'.*door-open"):
        share_skills((("door-opn",),), names)
