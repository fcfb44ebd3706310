"""Sample frames of datasets of pictures, and where the page and the targets have them."""

import numpy as np
import pytest

from cds_bench.config import parse
from cds_bench.errors import BenchError
from cds_bench.report import plotting, samples, targets


def columns(rewards: list[int], ends: list[int]) -> dict[str, np.ndarray]:
    """Pictures whose pixels are their row's number; final ones are 100 and more."""
    rows = np.arange(len(rewards), dtype=np.uint8)
    over = np.isin(rows, ends)
    return {
        "observations": np.broadcast_to(rows[:, None, None, None], (len(rows), 4, 4, 3)),
        "final_observations": np.broadcast_to(
            np.arange(100, 100 + len(ends), dtype=np.uint8)[:, None, None, None],
            (len(ends), 4, 4, 3),
        ),
        "rewards": np.array(rewards, float),
        "terminals": over & (np.array(rewards) > 0),
        "timeouts": over & (np.array(rewards) == 0),
    }


def test_frames_are_of_the_first_successful_episode_and_end_after_its_last_step():
    found = columns([0] * 3 + [0] * 9 + [1] + [1], ends=[2, 12, 13])
    pictures, steps, reached = samples.sampled(found)
    assert reached
    assert steps.tolist() == [0, 2, 4, 6, 8, 10]
    assert pictures[:, 0, 0, 0].tolist() == [3, 5, 7, 9, 11, 101]


def test_without_a_success_the_first_episode_is_shown_and_called_failed():
    pictures, steps, reached = samples.sampled(columns([0, 0, 0, 0], ends=[1, 3]))
    assert not reached
    assert pictures[[0, -1], 0, 0, 0].tolist() == [0, 100]
    with plotting.style():
        made = samples.drawn("pick-place-small", {"lift-can": (pictures, steps, reached)})
    assert "lift-can (fails)" in {axes.get_title(loc="left") for axes in made.axes}


@pytest.mark.parametrize("target", ["samples", "paper_table_vision"])
def test_only_suites_of_pictures_have_them(target):
    def config(suite: str):
        return parse({"suites": {suite: {}}, "algorithms": {"cql": {}}}, "test")

    scope = "door-drawer" if target == "samples" else ""
    with pytest.raises(BenchError, match=f"{target}: needs a suite whose observations are pict"):
        targets.of_target(config("door-drawer"), target, scope)
    scope = scope and "pick-place"
    files = targets.outputs(config("pick-place"), target, scope)
    assert any(target in file for file in files)
