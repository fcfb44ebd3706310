"""Minari's datasets, as D4RL's columns."""

import json
import sys

import gymnasium
import numpy as np
import pytest

from cds_bench.dataset import importing
from cds_bench.errors import BenchError

pytestmark = pytest.mark.filterwarnings("ignore:`:UserWarning", "ignore:env_spec:UserWarning")


@pytest.fixture
def minari_folder(tmp_path, monkeypatch):
    """`minari_folder(*episodes)` writes a Minari dataset; the arguments are those of a buffer."""
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    space = gymnasium.spaces.Box(-10, 10, (2,))

    def write(*episodes, space=space, seen=None, data_format="hdf5"):
        buffers = [minari.data_collector.EpisodeBuffer(**episode) for episode in episodes]
        minari.create_dataset_from_buffers(
            "line/walk-v0",
            buffers,
            observation_space=seen or space,
            action_space=space,
            data_format=data_format,
            jpeg_encoding=False,
        )
        return tmp_path / "line" / "walk-v0"

    return write


def walk(steps: int, **changes) -> dict:
    values = np.arange(2.0 * (steps + 1)).reshape(-1, 2)
    never = np.zeros(steps, bool)
    whole = {
        "observations": values, "actions": values[:-1] / 100, "rewards": values[:-1, 0],
        "terminations": never, "truncations": never,
        "infos": {"x": values[:, 1], "text": ["a"] * steps, "pair": values},
    }  # fmt: skip
    return whole | changes


def test_a_minari_dataset_has_infos_after_each_step_and_ends(minari_folder):
    last = np.array([False, False, True])
    found, rough = importing.read(minari_folder(walk(4), walk(3, terminations=last)))
    assert not rough
    assert set(found) == {
        "observations", "next_observations", "actions", "rewards", "terminals", "timeouts",
        "infos/x",
    }  # fmt: skip
    assert found["observations"].dtype == np.float32
    np.testing.assert_array_equal(found["infos/x"], found["next_observations"][:, 1])
    assert found["timeouts"].tolist() == [False, False, False, True, False, False, False]
    assert found["terminals"].tolist() == [False] * 6 + [True]


def test_a_minari_dataset_of_dictionaries_is_refused(minari_folder):
    values = walk(3)["observations"]
    space = gymnasium.spaces.Dict({"x": gymnasium.spaces.Box(-10, 10, (2,))})
    folder = minari_folder(walk(3, observations={"x": values}, actions={"x": values}), space=space)
    with pytest.raises(BenchError, match=r"walk-v0: episode 0: observations are no vectors"):
        importing.read(folder)


SQUARE = gymnasium.spaces.Box(0, 255, (8, 8, 3), np.uint8)


def look(steps: int, **changes) -> dict:
    pictures = np.random.default_rng(steps).integers(0, 256, (steps + 1, 8, 8, 3), np.uint8)
    return walk(steps, observations=pictures, **changes)


def test_pictures_have_the_last_one_of_each_episode(minari_folder):
    episodes = look(4), look(3)
    found, _ = importing.read(minari_folder(*episodes, seen=SQUARE))
    assert "next_observations" not in found
    pictures = [episode["observations"] for episode in episodes]
    np.testing.assert_array_equal(found["observations"], [*pictures[0][:-1], *pictures[1][:-1]])
    np.testing.assert_array_equal(found["final_observations"], [part[-1] for part in pictures])


def test_infos_that_are_left_out_are_said(minari_folder, tmp_path):
    text = importing.convert(str(minari_folder(walk(4))), tmp_path / "out.hdf5")
    assert "observations 2, actions 2, infos/x; largest" in text
    assert text.endswith("; left out: infos/pair, infos/text")


@pytest.mark.parametrize(
    ("episode", "message"),
    [
        (walk(3, terminations=np.full(3, 0.2)), "3 terminals are neither 0 nor 1"),
        (walk(3, observations=np.arange(4.0)), r"observations has shape \(4,\)"),
        (walk(3, actions=np.arange(3)), r"actions has shape \(3,\) and type int64, expected"),
        (walk(3, observations=np.zeros((3, 2))), "observations has 3 rows, expected 4 for 3 steps"),
        (
            walk(3, observations=np.zeros((4, 5))),
            r"a row of observations has shape \(5,\), but",
        ),
        (walk(0), "it has no steps"),
    ],
)
def test_what_is_wrong_with_an_episode_is_named(minari_folder, monkeypatch, episode, message):
    """Minari itself checks little when it reads."""
    import minari

    folder = minari_folder(walk(2))
    whole = [minari.EpisodeData(id=k, **part) for k, part in enumerate((walk(2), episode))]
    monkeypatch.setattr(minari.MinariDataset, "iterate_episodes", lambda self: iter(whole))
    with pytest.raises(BenchError, match=rf"walk-v0: episode 1: .*{message}"):
        importing.read(folder)


def test_a_format_that_needs_a_package_is_named(minari_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "minari.dataset._storages.arrow_storage", raising=False)
    path = minari_folder(walk(3)) / "data" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data_format": "arrow"}))
    message = r"walk-v0: .* the format Arrow or Parquet, which needs the package pyarrow"
    with pytest.raises(BenchError, match=message):
        importing.read(path.parents[1])


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_other_formats_are_read_where_their_package_is_installed(minari_folder, form):
    pytest.importorskip("pyarrow")
    values = walk(4)["observations"].astype(np.float32)
    episode = walk(4, observations=values, actions=values[:-1] / 100, infos={"pair": values})
    found, _ = importing.read(minari_folder(episode, episode, data_format=form))
    np.testing.assert_array_equal(found["next_observations"], [*values[1:], *values[1:]])
