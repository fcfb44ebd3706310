"""The encoder of pictures: stacking, gradients, random shifts, and its twin in numpy."""

import numpy as np
import pytest
import torch

from cds_bench.algorithms import encoder, networks
from cds_bench.algorithms.gradients import STATES, value_gradients
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import features as numpy_features
from cds_bench.records import Sizes

PICTURE = (48, 48, 3)
SEEDS, ROWS = 3, 5


def generators(seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(seeds)]


@pytest.fixture
def encoders():
    return encoder.initialise_encoder(generators(SEEDS), PICTURE, "cpu")


@pytest.fixture
def pictures():
    draws = torch.Generator().manual_seed(4)
    return torch.randint(0, 256, (SEEDS, ROWS, *PICTURE), dtype=torch.uint8, generator=draws)


def test_vectors_have_no_encoder():
    assert encoder.initialise_encoder(generators(2), None, "cpu") == {}
    states = torch.zeros(2, 3, 4)
    assert encoder.as_seen({}, states, None) is states


def test_features_are_normalised(encoders, pictures):
    found = encoder.features(encoders, pictures)
    assert found.shape == (SEEDS, ROWS, encoder.FEATURES)
    torch.testing.assert_close(found.mean(-1), torch.zeros(SEEDS, ROWS), rtol=0, atol=1e-6)
    assert ((found.var(-1, correction=0) > 0.9) & (found.var(-1, correction=0) <= 1.0)).all()


def test_a_seed_alone_has_the_features_of_the_same_seed_in_a_stack(encoders, pictures):
    alone = {name: value[1:2] for name, value in encoders.items()}
    found = encoder.features(alone, pictures[1:2])
    assert torch.equal(found[0], encoder.features(encoders, pictures)[1])


def test_grouped_convolutions_are_those_of_each_seed(encoders, pictures):
    torch.testing.assert_close(
        encoder._grouped(encoders, pictures), encoder._apart(encoders, pictures)
    )


def test_numpy_sees_the_same(encoders, pictures):
    strides = [each.stride for each in encoder.CONVOLUTIONS]
    tensors = [tensor.numpy() for tensor in encoders.values()]
    found = numpy_features(tensors, strides, pictures.numpy())
    np.testing.assert_allclose(found, encoder.features(encoders, pictures), rtol=1e-4, atol=1e-5)


def test_only_the_features_of_a_state_change(encoders, pictures):
    states = torch.arange(SEEDS * ROWS * (encoder.FEATURES + 2)).float()
    states = states.view(SEEDS, ROWS, encoder.FEATURES + 2)
    found = encoder.as_seen(encoders, states, pictures)
    assert torch.equal(found[..., -2:], states[..., -2:])
    assert torch.equal(found[..., :-2], encoder.features(encoders, pictures))


@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_gradient_of_states_is_that_of_autograd(layer_norm):
    sizes = Sizes(SEEDS, 2, 6, 3, (32, 64), layer_norm)
    critic = networks.initialise_critic(generators(SEEDS), sizes, "cpu")
    draws = torch.Generator().manual_seed(5)
    states = torch.randn(SEEDS, ROWS, 8, generator=draws, requires_grad=True)
    actions = torch.rand(SEEDS, ROWS, 4, 3, generator=draws)
    values = networks.q_values(critic, states, actions)
    (expected,) = torch.autograd.grad(values.square().sum(), states)
    _, found = value_gradients(critic, states, actions, lambda block, *_: block.square().sum())
    torch.testing.assert_close(found.pop(STATES), expected)
    assert found.keys() == critic.keys()


def test_shifts_move_the_picture_and_repeat_its_edge():
    picture = torch.arange(48 * 48 * 3).remainder(251).to(torch.uint8).view(1, 1, *PICTURE)
    still = encoder.shifted(picture, torch.full((1, 1, 2), 0.5))
    assert torch.equal(still, picture)
    found = encoder.shifted(picture, torch.tensor([[[0.999, 0.0]]]))[0, 0]  # 4 up, 4 right
    assert torch.equal(found[:44, 4:], picture[0, 0, 4:, :44])
    assert (found[44:, 4:] == picture[0, 0, 47, :44]).all()
    assert (found[:44, :4] == picture[0, 0, 4:, :1]).all()


def test_each_picture_has_its_own_shift(pictures):
    draws = torch.rand(SEEDS, ROWS, 2, generator=torch.Generator().manual_seed(1))
    found = encoder.shifted(pictures, draws)
    assert found.dtype == torch.uint8
    one = encoder.shifted(pictures[1:2, 2:3], draws[1:2, 2:3])
    assert torch.equal(found[1, 2], one[0, 0])
    assert not torch.equal(found, pictures)


def test_pictures_that_are_too_small_are_refused():
    with pytest.raises(BenchError, match="16 x 16 pixels, which are too few"):
        encoder.initialise_encoder(generators(1), (16, 16, 3), "cpu")
