"""Films: what is written, that drawing does not change the simulation, and plain errors."""

from pathlib import Path

import imageio
import numpy as np
import pytest
from PIL import Image

import envs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.evaluation.film import RATE, WIDTH, film
from cds_bench.storage import paths

MAZE = ("pointmaze-medium-directed", "pointmaze-medium-20-4")


pytestmark = pytest.mark.usefixtures("draws")


@pytest.mark.parametrize("policy", ["random", "behaviour", "expert"])
def test_a_film_shows_an_episode(tmp_path, policy):
    said = film(Config(), *MAZE, policy, 0, tmp_path / "film.gif")
    pictures = imageio.mimread(tmp_path / "film.gif")
    assert 10 < len(pictures) <= 6 * RATE
    assert pictures[0].shape[1] <= WIDTH
    assert np.ptp(pictures[0]) > 100, "the first picture shows something"
    assert (pictures[0] != pictures[-1]).any()
    assert policy in said
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]
    if policy != "random":
        assert "success 1" in said


def test_the_length_is_an_option(tmp_path):
    film(Config(), *MAZE, "random", 0, tmp_path / "short.gif", longest=1.0)
    pictures = imageio.mimread(tmp_path / "short.gif")
    assert len(pictures) == RATE
    with Image.open(tmp_path / "short.gif") as short:
        assert RATE * short.info["duration"] == pytest.approx(1000, abs=100), "milliseconds"


def test_a_trained_run_is_shown(trained, tmp_path):
    folder = paths.run(trained, "walker2d-mixed", "cql", "cds", "0-1")
    said = film(trained, "walker2d-mixed", "jump", str(folder), 0, tmp_path / "film.gif")
    assert "return" in said
    assert imageio.mimread(tmp_path / "film.gif")


def test_drawing_does_not_change_the_simulation():
    plain, drawn = envs.make(MAZE[1]), envs.make(MAZE[1], render_mode="rgb_array")
    assert plain.unwrapped.model is drawn.unwrapped.model
    geoms = plain.unwrapped.model.ngeom
    rng = np.random.default_rng(0)
    for env in (plain, drawn):
        env.reset(seed=1)
    for _ in range(20):
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        assert drawn.render().shape == (360, 480, 3)
        np.testing.assert_array_equal(plain.step(action)[0], drawn.step(action)[0])
    assert plain.unwrapped.model.ngeom == geoms
    plain.close()
    drawn.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": "pointmaze-medium-direct"}, "unknown suite .* did you mean 'pointmaze-medium-d"),
        ({"task": "pointmaze-medium-0-0"}, r"pointmaze-medium-directed: unknown task .*-0-16"),
        ({"task": "jump"}, "unknown task 'jump'"),
        ({"policy": "exprt"}, "'exprt' is neither one of random, behaviour, expert nor the folder"),
        ({"output": "film.mp4"}, "only GIF is written"),
    ],
)
def test_errors_are_plain_and_leave_no_file(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    asked = {"suite": MAZE[0], "task": MAZE[1], "policy": "random", "output": "film.gif"} | change
    with pytest.raises(BenchError, match=message):
        film(Config(), asked["suite"], asked["task"], asked["policy"], 0, Path(asked["output"]))
    assert not list(tmp_path.iterdir())


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(BenchError, match=r"policies\.safetensors: not readable"):
        film(Config(), *MAZE, str(tmp_path), 0, tmp_path / "film.gif")


def test_a_script_that_knows_the_state_is_filmed_without_gl(tmp_path):
    output = tmp_path / "film.gif"
    said = film(Config(), "pick-place", "lift-can", "expert", 0, output)
    assert "success 1" in said
    assert imageio.mimread(output)[0].shape[:2] == (288, 288)


def test_a_behaviour_that_gives_up_is_filmed_until_then(tmp_path):
    said = film(Config(), "pick-place", "lift-can", "behaviour", 0, tmp_path / "film.gif")
    assert "lift-can, 8 steps, success 0" in said
