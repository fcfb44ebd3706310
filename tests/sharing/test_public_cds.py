"""The rule of CDS in UTDS's public code, beside ours.

Public code of UTDS (github.com/Baichenjia/UTDS, agent/cql_cds.py), described in our own words:

1. A step takes n own transitions of the target task and 10 n candidates of the other tasks.
2. The first critic values the candidates under the target task.
3. The n candidates with the highest values join the batch with weight 1; all others are left out.

So the public rule takes a fixed share of the candidates, the top tenth, and never looks at the own
data's values. The paper's introduction compares with the expected value of the target's own data,
and `cds_basic` does that with both critics' minimum. The tests show where both rules agree and how
they differ.
"""

import numpy as np
import pytest
import torch

from cds_bench.records import Critic, Offer
from cds_bench.sharing import cds_basic

OWN, CANDIDATES = 16, 160


def public_rule(candidates: np.ndarray) -> np.ndarray:
    """The weights of the candidates by the public rule: 1 for the top tenth, else 0."""
    weights = np.zeros(len(candidates))
    weights[np.argsort(candidates)[len(candidates) - len(candidates) // 10 :]] = 1.0
    return weights


def our_rule(own: np.ndarray, candidates: np.ndarray, threshold) -> np.ndarray:
    """The weights of the candidates by `cds_basic` with a critic that has these values."""
    values = torch.from_numpy(np.concatenate([own, candidates]))[None, None]
    source = torch.tensor([0] * len(own) + [1] * len(candidates))[None, None]
    task = torch.zeros_like(source)
    offer = Offer(source, task, source == task, ("target", "other"))
    unused = (lambda task: None, lambda task: None)
    critic = Critic(lambda task: values, *unused)
    config = cds_basic.Config(threshold=threshold)
    weight = cds_basic.share(config, offer, critic, torch.zeros_like(values), None).weight[0, 0]
    assert (weight[: len(own)] == 1).all()
    return weight[len(own) :].numpy()


@pytest.fixture
def candidates():
    return np.random.default_rng(0).normal(size=CANDIDATES)


def test_both_rules_agree_if_a_tenth_of_the_candidates_is_above_the_own_mean(candidates):
    between = np.sort(candidates)[-(CANDIDATES // 10) - 1 :][:2].mean()
    noise = np.random.default_rng(1).normal(size=OWN)
    own = between + noise - noise.mean()
    np.testing.assert_array_equal(our_rule(own, candidates, "mean"), public_rule(candidates))


@pytest.mark.parametrize(("level", "share"), [(10.0, 0.0), (-10.0, 1.0)])
def test_the_public_rule_takes_a_tenth_whatever_the_own_data_are_worth(candidates, level, share):
    """Ours takes nothing if the own data are better than all candidates, and all if worse."""
    own = np.full(OWN, level)
    for threshold in ("mean", 90.0):
        assert our_rule(own, candidates, threshold).mean() == share
    assert public_rule(candidates).mean() == pytest.approx(0.1)


def test_both_rules_order_candidates_by_their_value(candidates):
    """Whoever takes more takes a superset, because both cut the same order."""
    for level in np.linspace(-2, 2, 9):
        ours = our_rule(np.full(OWN, level), candidates, "mean") > 0
        theirs = public_rule(candidates) > 0
        assert not (ours & ~theirs).any() or not (theirs & ~ours).any()
