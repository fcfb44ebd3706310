"""Named random streams: fixed for ever, different by name, independent of their companions."""

import numpy as np
import pytest
import torch

from cds_bench.noise import Noise
from cds_bench.seeding import seed_of, stream


def test_the_naming_is_fixed():
    """Another value here means other datasets, other trainings and other scores for every seed."""
    assert seed_of("collect", "jump", "expert", 0) == 8_624_259_650_770_077_542
    np.testing.assert_array_equal(
        stream("collect", "jump", 3).integers(0, 1000, 4), [619, 123, 521, 756]
    )


def test_every_part_of_a_name_counts():
    names = [("a", "b", 0), ("a", "b", 1), ("b", "a", 0), ("a", 0), ("ab", 0), ("a", "b", "00")]
    assert len({seed_of(*name) for name in names}) == len(names)
    assert len({float(stream(*name).random()) for name in names}) == len(names)


def test_seeds_fit_every_generator():
    seeds = [seed_of("range", k) for k in range(1000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def draws(seeds, purpose="batch", suite="suite", algorithm="cql"):
    noise = Noise(purpose, suite, algorithm, seeds, "cpu")
    return [noise.normal(3, 2), noise.uniform(4), noise.uniform(2, dtype=torch.float64)]


def test_a_row_does_not_depend_on_its_companions():
    alone, stacked, reversed_ = draws([7]), draws([1, 7, 2]), draws([2, 7, 1])
    for single, three, other in zip(alone, stacked, reversed_, strict=True):
        assert torch.equal(single[0], three[1])
        assert torch.equal(three, other.flip(0))


@pytest.mark.parametrize("change", [{"purpose": "p"}, {"suite": "s"}, {"algorithm": "a"}])
def test_streams_differ_by_purpose_suite_and_algorithm(change):
    for first, second in zip(draws([0]), draws([0], **change), strict=True):
        assert not (first == second).any()


def test_noise_repeats_and_goes_on():
    assert all(map(torch.equal, draws([0, 1]), draws([0, 1])))
    noise = Noise("batch", "suite", "cql", [0], "cpu")
    assert not torch.equal(noise.normal(5), noise.normal(5))


def test_noise_is_what_it_says():
    noise = Noise("batch", "suite", "cql", [0, 1], "cpu")
    normal, uniform = noise.normal(50_000), noise.uniform(50_000)
    assert normal.shape == uniform.shape == (2, 50_000)
    assert normal.mean(1).abs().max() < 0.03
    assert (normal.std(1) - 1).abs().max() < 0.03
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert (uniform.mean(1) - 0.5).abs().max() < 0.01


def test_the_global_streams_are_left_alone():
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    draws([0])
    stream("collect").random()
    assert torch.equal(before[0], torch.random.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
