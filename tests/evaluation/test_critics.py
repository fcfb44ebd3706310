"""The critics that evaluation reads give the values that training used, however many there are."""

import dataclasses

import numpy as np
import pytest
import torch

from cds_bench.config import plugins
from cds_bench.evaluation.policy import Policies
from cds_bench.records import Sizes

SEEDS, TASKS, OBSERVATION, ACTION, EPISODES, TASK = 3, 2, 4, 2, 5, 1


@pytest.mark.parametrize("name", plugins.names("algorithms"))
def test_values_are_those_of_the_algorithm(name):
    algorithm = plugins.load("algorithms", name)
    sizes = Sizes(SEEDS, TASKS, OBSERVATION, ACTION, (8, 7), layer_norm=True)
    generators = [torch.Generator().manual_seed(seed) for seed in range(SEEDS)]
    learner = algorithm.initialise(generators, sizes, "cpu")

    def turn(parameters: dict) -> list[np.ndarray]:
        return [parameters[f"{kind}{k}"].numpy() for k in range(3) for kind in "wb"]

    policies = Policies(
        layers=[layer[None] for layer in turn(learner.policy)],
        critic=turn(learner.critic),
        gains=[learner.critic[f"g{k}"].numpy() for k in range(2)],
        mean=np.zeros((TASKS, OBSERVATION), np.float32),
        scale=np.ones((TASKS, OBSERVATION), np.float32),
        steps=[0],
        seeds=[4, 7, 9],
        tasks=["a", "b"],
    )
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(SEEDS, EPISODES, OBSERVATION)).astype(np.float32)
    actions = rng.uniform(-1, 1, (SEEDS, EPISODES, ACTION)).astype(np.float32)
    one_hot = np.eye(TASKS, dtype=np.float32)[np.full((SEEDS, EPISODES), TASK)]
    states = torch.from_numpy(np.concatenate([observations, one_hot], -1))
    expected = algorithm.value(learner, states, torch.from_numpy(actions)).numpy()
    found = policies.value(TASK, observations, actions)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    some = policies.of([9, 4])
    found = some.value(TASK, observations[[2, 0]], actions[[2, 0]])
    np.testing.assert_allclose(found, expected[[2, 0]], rtol=1e-4, atol=1e-5)


def test_policies_without_critics_can_be_divided():
    """External baselines export policies only."""
    layers = [np.ones((1, 2, 5, 4), np.float32), np.ones((1, 2, 1, 4), np.float32)]
    both = Policies(layers, [], [], np.zeros((1, 4)), np.ones((1, 4)), [0], [0, 1], ["a"])
    one = both.of([1])
    assert dataclasses.asdict(one)["critic"] == []
    assert one.layers[0].shape == (1, 1, 5, 4)
