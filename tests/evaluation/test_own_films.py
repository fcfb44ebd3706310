"""Films of suites of one's own, whose environments say little about themselves."""

import warnings

import imageio
import pytest
from PIL import Image

import envs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.evaluation.film import film
from tests.own_suites import forgotten, point, written

PICTURE = """        def render(self):
            picture = np.zeros((40, 60, 3), np.uint8)
            picture[:, int(60 * self.x) % 60] = 255
            return picture

        def step("""
EXPECTED = r"the environment of 'line-right' has no mode `rgb_array`, .* must pass `render_mode` on"


@pytest.fixture
def filmed(tmp_path):
    """`filmed(text)` makes a film of the behaviour in a suite `line` of this text."""

    def filmed(text: str):
        output = tmp_path / "film.gif"
        with forgotten():
            envs.include(written(tmp_path / "line", text))
            return film(Config(), "line", "line-right", "behaviour", 0, output), output

    return filmed


def test_a_film_needs_no_metadata(filmed):
    """Gymnasium's default has no rate: 30 steps are a second then."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said, output = filmed(point().replace("        def step(", PICTURE))
    assert "behaviour on line-right, 30 steps" in said
    pictures = imageio.mimread(output)
    assert len(pictures) == 31
    with Image.open(output) as made:
        assert made.info["duration"] == pytest.approx(1000 / 31, abs=10), "milliseconds"


@pytest.mark.parametrize("quality", ["random", "expert"])
def test_the_behaviour_is_the_datas_recipe_whatever_its_quality_is_called(filmed, quality):
    text = point().replace("        def step(", PICTURE)
    named = text.replace("transitions=100", f"transitions=100, quality='{quality}'")
    assert filmed(named) == filmed(text)


@pytest.mark.parametrize("returned", ["", "None", "np.zeros((4, 4))", "'a line'"])
def test_an_environment_without_pictures_is_named(filmed, tmp_path, returned):
    text = point()
    if returned:
        render = f"        def render(self):\n            return {returned}\n\n        def step("
        text = text.replace("        def step(", render)
    with pytest.raises(BenchError, match=EXPECTED):
        filmed(text)
    assert not (tmp_path / "film.gif").exists()


def test_a_function_that_takes_no_render_mode_is_named(filmed):
    expected = r"suite\.py: task 'line-right': env: TypeError: .* and takes render_mode$"
    with pytest.raises(envs.WorldError, match=expected):
        filmed(point().replace("make(**options)", "make()"))
