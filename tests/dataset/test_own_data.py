"""Data of suites of one's own: rolled out or read, checked against the task, gated."""

import json

import h5py
import numpy as np
import pytest

import envs
from cds_bench.config import parse
from cds_bench.dataset import own
from cds_bench.dataset.manifest import write_manifest
from cds_bench.dataset.pool import load_pool
from cds_bench.dataset.relabel import build_pool
from cds_bench.dataset.store import read_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from tests.own_suites import forgotten, point, written

FILE = 'Data("right.hdf5", transitions=60, quality="file"{more})'


@pytest.fixture
def profile(tmp_path):
    """`profile(text)`: a profile with the suite `line` of this text, known until the test ends."""
    with forgotten():

        def profile(text: str):
            folder = written(tmp_path / "line", text)
            values = {
                "results": str(tmp_path / "results"),
                "suite_folders": [str(folder)],
                "suites": {"line": {}},
                "datasets": {"reference_episodes": 4},
            }
            return parse(values, "test")

        yield profile


def stored(path, change=lambda columns: None, rewards=np.float64):
    """Two episodes that walk right, of 25 and 40 steps: the first ends, the second is cut at 35."""
    parts = []
    for steps, force in ((25, 0.6), (35, 0.25)):
        x = (np.arange(steps + 1) * force / 10).astype(np.float32) - 0.45
        seen = np.stack([x, np.ones_like(x)], 1)
        parts.append((seen[:-1], seen[1:], np.full((steps, 1), force, np.float32)))
    observations, following, actions = (np.concatenate(part) for part in zip(*parts, strict=True))
    x = following[:, 0].astype(np.float64)
    terminals, timeouts = x > 1.0, np.zeros(60, bool)
    timeouts[59] = True
    columns = {
        "observations": observations, "next_observations": following, "actions": actions,
        "rewards": x.astype(rewards), "terminals": terminals, "timeouts": timeouts, "infos/x": x,
    }  # fmt: skip
    change(columns)
    with h5py.File(path, "w") as file:
        for key, column in columns.items():
            file[key] = column
    return columns


def made(config, task="line-right"):
    own.write_references(config, task)
    own.collect(config, "line", task)
    return read_dataset(paths.dataset(config, "line", task), "line", task)


def test_a_recipe_is_rolled_out(profile):
    config = profile(point())
    columns, about = made(config)
    assert len(columns["rewards"]) == 100
    assert (columns["actions"] == np.float32(0.3)).all()
    references = json.loads(paths.references(config, "line-right").read_text())
    means = [references[name]["mean"] for name in ("random", "behaviour", "expert")]
    assert len(set(means)) == 3
    assert references["behaviour"]["episodes"] == references["random"]["episodes"] == 4
    assert about["behaviour"][0]["transitions"] == 100


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("lambda rng: lambda seen: seen", r"data: source: TypeError: .*2 were given"),
        ("lambda rng: rng.nothing", r"data: source \(line \d+\): AttributeError: .*'nothing'"),
        ("lambda rng: lambda seen, rng: seen", r"an action has the shape \(2,\), expected \(1,\)"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(profile, recipe, message):
    config = profile(point(f"Data({recipe}, transitions=9)"))
    with pytest.raises(envs.WorldError, match=rf"line/suite\.py: task 'line-right': {message}"):
        own.write_references(config, "line-right")


def test_a_file_is_taken_as_it_is(profile, tmp_path):
    config = profile(point(FILE.format(more=""), 'Data("left.hdf5", transitions=60, relabel=True)'))
    for name in ("right", "left"):
        expected = stored(tmp_path / "line" / f"{name}.hdf5", horizon_fits)
    columns, about = made(config)
    for key, column in columns.items():
        np.testing.assert_array_equal(column, expected[key])
    assert about["behaviour"][0]["source"] == "right.hdf5"
    left, _ = made(config, "line-left")
    np.testing.assert_array_equal(left["rewards"], -expected["rewards"])
    write_manifest(config, "line")
    build_pool(config, "line")
    pool = load_pool(paths.pool(config, "line"))
    np.testing.assert_array_equal(pool.rewards[:, 0], -pool.rewards[:, 1])
    assert pool.tasks == ("line-right", "line-left")


def horizon_fits(columns):
    columns["timeouts"][49] = True  # the second episode becomes two of 25 and 10 steps


def test_references_of_a_file_are_its_episodes(profile, tmp_path):
    text = point(FILE.format(more="")).replace("expert=push(1.0)", "expert=None")
    config = profile(text)
    columns = stored(tmp_path / "line" / "right.hdf5", horizon_fits)
    own.write_references(config, "line-right")
    references = json.loads(paths.references(config, "line-right").read_text())
    whole = columns["rewards"][:25].sum()
    assert references["behaviour"]["mean"] == pytest.approx(whole), "the only complete episode"
    assert references["expert"]["mean"] == pytest.approx(whole)


def test_an_expert_may_be_a_number(profile, tmp_path):
    config = profile(point().replace("expert=push(1.0)", "expert=123.0"))
    own.write_references(config, "line-right")
    references = json.loads(paths.references(config, "line-right").read_text())
    assert references["expert"]["mean"] == 123.0


def test_rewards_in_float32_become_the_tasks_own(profile, tmp_path):
    def far(columns):
        horizon_fits(columns)
        columns["rewards"] *= 1 + 1e-7

    config = profile(point(FILE.format(more="")))
    expected = stored(tmp_path / "line" / "right.hdf5", far, np.float32)
    columns, _ = made(config)
    np.testing.assert_array_equal(columns["rewards"], expected["infos/x"])


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (
            lambda c: c["rewards"].__setitem__(9, 5.0),
            "",
            r"rewards is not what 'line-right' .*row 9",
        ),
        (lambda c: c["terminals"].__setitem__(9, True), "", "terminals is not what 'line-right'"),
        (lambda c: c.pop("infos/x"), "", "key 'infos/x' is missing"),
        (lambda c: c["actions"].__setitem__(3, 2.0), "", r"actions is outside \[-1, 1\]"),
        (lambda c: c["timeouts"].__setitem__(49, False), "", "35 steps, but the horizon is 30"),
        (lambda c: None, ", band=(2.0, 3.0)", "lies .* below the band 2 to 3 of 'file'"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(profile, tmp_path, change, more, message):
    def both(columns):
        horizon_fits(columns)
        change(columns)

    config = profile(point(FILE.format(more=more)))
    stored(tmp_path / "line" / "right.hdf5", both)
    with pytest.raises(BenchError, match=rf"right\.hdf5: .*{message}"):
        made(config)


def test_a_short_or_missing_file_is_named(profile, tmp_path):
    config = profile(point(FILE.format(more="").replace("60", "61")))
    with pytest.raises(envs.WorldError, match=r"line-right': there are no data at .*right\.hdf5"):
        envs.TASKS["line-right"].files  # noqa: B018
    stored(tmp_path / "line" / "right.hdf5", horizon_fits)
    with pytest.raises(BenchError, match=r"it has 60 transitions, but .* takes 61"):
        made(config)
