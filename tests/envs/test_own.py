"""Suites of one's own: what suite.py may hold, and the environment that comes of it."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest

import envs
from envs.own import Data, OwnTask
from envs.own_checks import CITED
from envs.specs import WorldError
from tests.own_suites import forgotten, point, written
from tests.projects import ROOT


@pytest.fixture
def include(tmp_path):
    """`include(text)` writes a suite `line` and makes it known until the test ends."""
    with forgotten():

        def include(text: str, name: str = "line"):
            envs.include(written(tmp_path / name, text))

        yield include


def test_a_suite_is_known_with_its_tasks(include):
    include(point())
    suite = envs.SUITES["line"]
    assert suite.tasks == ("line-right", "line-left")
    assert suite.domain == envs.TASKS["line-right"].domain == "line"
    assert suite.sources["line-left"].transitions == 100


def test_including_it_twice_does_nothing_and_a_taken_name_is_refused(include):
    include(point())
    include(point())
    with pytest.raises(WorldError, match="there is a task 'line-left' already"):
        include(point(), "other")
    with pytest.raises(WorldError, match="there is a suite 'walker2d-mixed' already"):
        include(point().replace('"line-', '"other-'), "walker2d-mixed")


def test_the_environment_has_the_tasks_reward_and_termination(include):
    include(point())
    env = envs.make("line-left")
    observation, info = env.reset(seed=1)
    assert np.isnan(info["x"])
    x = observation[0]
    while True:
        _, reward, terminated, truncated, info = env.step(np.array([1.0], np.float32))
        x += 0.1
        assert reward == -info["x"] == pytest.approx(-x)
        if terminated or truncated:
            break
    assert terminated
    assert not truncated
    assert info["x"] > 1.0


def test_where_only_the_environment_ends_the_episode_is_cut(include):
    include(point())
    env = envs.make("line-left")
    env.reset(seed=1)
    over = False
    while not over:
        *_, terminated, truncated, info = env.step(np.array([-1.0], np.float32))
        over = terminated or truncated
    assert info["x"] < -1.0
    assert (terminated, truncated) == (False, True)


def test_the_horizon_is_the_time_limit(include):
    include(point())
    env = envs.make("line-left")
    env.reset(seed=1)
    ends = [env.step(np.zeros(1, np.float32))[2:4] for _ in range(30)]
    assert ends == [(False, False)] * 29 + [(False, True)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("import numpy as np", "import gymnasium", "line 3: import gymnasium inside the function"),
        ("TASKS = {", "OTHERS = {", "TASKS is missing"),
        ('"line-right"', '"Line Right"', "task 'Line Right': expected a name of a-z, 0-9 and -"),
        ("horizon=30", "horizon=0", "task 'line-right': horizon: expected a number of steps"),
        (
            '"line-left": task(',
            '"line-left": (lambda *a, **more: vars(t := task(*a, **more)) and OwnTask('
            '**vars(t) | {"infos": ("x", "y")}))(',
            "task 'line-left': infos: expected ('x',) as in 'line-right', got ('x', 'y')",
        ),
        ("horizon=30", 'metric="mean"', "metric: expected 'return' or 'success'"),
        ("horizon=30", "horizont=30", "unexpected keyword argument 'horizont'"),
        ("expert=push(1.0)", "expert=None", "expert: expected a number or a recipe"),
        ("expert=push(1.0)", 'expert="best"', "expert: expected a number, a recipe (a function)"),
        (
            "=push(1.0)",
            '=7, metric="success"',
            "expert: expected a success rate from 0 to 1",
        ),
        ("horizon=30", "horizon=True", "horizon: expected a number of steps, at least 1, got True"),
        ("horizon=30", 'axes=("a",)', "axes: expected two names, like"),
        ('infos=("x",)', 'infos="xy"', "infos: expected a tuple of different names, like"),
        ("right, Data(", "3, Data(", "reward: expected a function of columns, got 3"),
        ("env=make", "env=None", "env: expected a Gymnasium id or a function, got None"),
        ("Data(push(0.3), transitions=100)", "3", "data: expected Data(...), got int"),
        ("Data(push(0.3)", "Data(3", "data: source: expected text or a recipe (a function), got 3"),
        ("=100", '=100, relabel="no"', "data: relabel: expected True or False, got 'no'"),
        ("=100", "=100, relabel=True", "data: relabel: expected False, because a recipe's"),
        ("=100", "=100, quality=3", "data: quality: expected a word for the data"),
        ("=100", "=100, band=0.5", "data: band: expected (low, high) or None, got 0.5"),
        ("=100", "=100, band=(0.5,)", "data: band: expected (low, high) or None, got (0.5,)"),
        ("=100", "=100, band=(2, 1)", "data: band: expected (low, high) or None, got (2, 1)"),
        ("=100", '=100, band=(0, "1")', "data: band: expected (low, high) or None, got (0, '1')"),
        ("TASKS = {", "AUTHOR = 3\nTASKS = {", "AUTHOR: expected who made the data"),
        ("transitions=100", "transitions=0", "transitions: expected how many to use"),
        ("def right(columns):", "def right(columns:", "cannot be read: SyntaxError"),
    ],
)
def test_what_is_wrong_with_a_suite_is_named(include, old, new, message):
    with pytest.raises(WorldError, match=rf"line/suite\.py: .*{re.escape(message)}"):
        include(point().replace(old, new))


def test_a_folder_without_suite_py_is_named(tmp_path):
    with pytest.raises(WorldError, match=r"nothing/suite\.py: no such file"):
        envs.include(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('columns["infos/x"]\n', 'columns["infos/y"]\n', "the column 'infos/y' is not stored"),
        ('columns["infos/x"]\n', "columns['actions'][:, 3]\n", r"reward \(line \d+\): IndexError"),
        ('columns["infos/x"]\n', "['a']\n", r"reward: ValueError: could not convert string"),
        ('columns["infos/x"]\n', "0.0\n", r"reward: returned the shape \(\) for 1 transitions"),
        ('infos=("x",)', 'infos=("x", "name")', "info has no number 'name' after a step"),
        ("Box(-10, 10, (2,))", "Discrete(3)", "expected a vector; wrap"),
        ("Box(-1, 1, (1,))", "Box(-2, 2, (1,))", r"RescaleAction\(env, -1, 1\)"),
        ("Box(-1, 1, (1,))", "Discrete(3)", r"actions are Discrete\(3\), .*ActionWrapper"),
        ("Box(-1, 1, (1,))", "Box(-np.inf, np.inf, (1,))", "write a gymnasium.ActionWrapper"),
        ("env=make", 'env="Nope-v5"', "env: NameNotFound: .*expected a Gymnasium id, or a"),
        ("return Line()", "return Lime()", r"env \(line \d+\): NameError: name 'Lime'"),
        ("return Line()", "return 3", "env: returned 3, expected a gymnasium.Env"),
    ],
)
def test_what_is_wrong_with_a_world_is_named(include, old, new, message):
    include(point().replace(old, new, 1))
    with pytest.raises(WorldError, match=rf"line/suite\.py: task 'line-right': .*{message}"):  # noqa: PT012
        env = envs.make("line-right")
        env.reset(seed=0)
        env.step(np.zeros(1, np.float32))


def test_suite_py_may_import_its_neighbours(include, tmp_path):
    written(tmp_path / "line", "").joinpath("rewards.py").write_text("SCALE = 3.0\n")
    text = point().replace(
        "def right(columns):", "from .rewards import SCALE\n\n\ndef right(columns):"
    )
    include(text.replace('return columns["infos/x"]', 'return SCALE * columns["infos/x"]', 1))
    columns = {"actions": np.zeros((2, 1)), "infos/x": np.array([1.0, 2.0])}
    assert envs.TASKS["line-right"].reward(columns).tolist() == [3.0, 6.0]


def test_reading_a_suite_loads_no_simulator(tmp_path):
    folder = written(tmp_path / "line", point())
    code = f"import sys, envs; envs.include({str(folder)!r}); print('gymnasium' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_the_guide_explains_every_key():
    guide = (ROOT / "docs" / "adding-a-suite.md").read_text()
    keys = [field.name for record in (OwnTask, Data) for field in dataclasses.fields(record)]
    keys.remove("data")  # section 2 is about it
    assert [key for key in (*keys, *CITED) if not re.search(rf"`{key}\b", guide)] == []
