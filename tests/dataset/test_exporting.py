"""Exports that the readers of D4RL and Minari open, and that keep every byte."""

import json
import os

import gymnasium
import h5py
import numpy as np
import pytest

import envs
from cds_bench.dataset import exporting, importing
from cds_bench.dataset.store import read_dataset
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import sha256

MIXED, PICTURES = "walker2d-mixed", "pick-place"
TASKS = envs.SUITES[MIXED].tasks


@pytest.fixture(scope="module")
def exported(collected, tmp_path_factory):
    """`exported[form]`: the folder of a suite in each format."""
    root = tmp_path_factory.mktemp("exported")
    for form in exporting.FORMATS:
        exporting.export(collected, MIXED, form, root / form)
    return {form: root / form for form in exporting.FORMATS}


@pytest.fixture(scope="module")
def d4rl():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D4RL_SUPPRESS_IMPORT_ERROR", "1")
        return pytest.importorskip("d4rl", exc_type=ImportError)


@pytest.fixture
def minari(exported, monkeypatch):
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(exported["minari"]))
    return minari


def ours(config, task):
    return read_dataset(paths.dataset(config, MIXED, task), MIXED, task)[0]


@pytest.mark.parametrize(("suite", "config"), [(MIXED, "collected"), (PICTURES, "seen")])
@pytest.mark.parametrize("form", ["d4rl", "minari"])
def test_a_round_trip_keeps_every_transitions_bytes(request, tmp_path, form, suite, config):
    config = request.getfixturevalue(config)
    exporting.export(config, suite, form, tmp_path)
    for task in envs.SUITES[suite].tasks:
        name = f"{task}.hdf5" if form == "d4rl" else f"{task}-v0"
        importing.convert(str(tmp_path / suite / name), tmp_path / f"{task}.hdf5")
        found, rough = importing.read(tmp_path / f"{task}.hdf5")
        expected = read_dataset(paths.dataset(config, suite, task), suite, task)[0]
        assert not rough
        assert found.keys() == expected.keys()
        for key, column in expected.items():
            assert (found[key].dtype, found[key].shape) == (column.dtype, column.shape)
            assert found[key].tobytes() == column.tobytes(), (task, key)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", TASKS)
def test_the_real_d4rl_reads_it(collected, exported, d4rl, task):
    """Through d4rl's own reader of files, whose environment checks the shapes."""
    path, column = exported["d4rl"] / MIXED / f"{task}.hdf5", ours(collected, task)

    class World(d4rl.offline_env.OfflineEnv):
        observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (17,))
        action_space = gymnasium.spaces.Box(-1, 1, (6,))

    found = d4rl.qlearning_dataset(World(), h5path=str(path))
    kept = ~column["timeouts"]
    kept[-1] = False
    np.testing.assert_array_equal(found["observations"], column["observations"][kept])
    np.testing.assert_array_equal(found["rewards"], column["rewards"][kept].astype(np.float32))
    np.testing.assert_array_equal(found["terminals"], column["terminals"][kept])


def test_a_d4rl_file_says_what_it_is(exported):
    with h5py.File(exported["d4rl"] / MIXED / "jump.hdf5") as file:
        told = {key: value[()] for key, value in file["metadata"].items()}
    spec = json.loads(told["environment"])
    assert (spec["id"], spec["max_episode_steps"]) == ("cds/Walker2d-jump-v0", 1000)
    assert b"(17,)" in told["observation_space"]
    assert b"(6,)" in told["action_space"]
    assert b"arXiv:2109.08128" in told["citation"]
    assert told["ref_min_score"] < told["ref_max_score"]


@pytest.mark.parametrize("task", TASKS)
def test_minari_loads_it(collected, minari, task):
    dataset = minari.load_dataset(f"{MIXED}/{task}-v0")
    column = ours(collected, task)
    assert dataset.total_steps == len(column["rewards"])
    assert dataset.observation_space.shape == (17,)
    assert dataset.action_space.shape == (6,)
    first = dataset[0]
    np.testing.assert_array_equal(first.rewards, column["rewards"][: len(first)])
    np.testing.assert_array_equal(
        first.observations[-1], column["next_observations"][len(first) - 1]
    )
    metadata = dataset.storage.metadata
    assert metadata["suite"] == MIXED
    assert "arXiv:2109.08128" in metadata["citation"]
    low, high = metadata["ref_min_score"], metadata["ref_max_score"]
    assert minari.get_normalized_score(dataset, np.array([low, high])).tolist() == [0.0, 1.0]


def test_minari_makes_its_environment_again(minari):
    env = minari.load_dataset(f"{MIXED}/jump-v0").recover_environment()
    assert env.unwrapped.task is envs.TASKS["jump"]
    env.close()


@pytest.mark.parametrize("form", ["d4rl", "minari"])
def test_croissant_is_valid_and_lists_every_file(exported, form):
    import mlcroissant

    folder = exported[form] / MIXED
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    listed = {file.content_url: file.sha256 for file in dataset.metadata.distribution}
    there = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("croissant.json", "namespace_metadata.json")
    }
    assert listed == there


def test_nothing_is_overwritten_or_left_half_written(collected, exported, tmp_path, monkeypatch):
    with pytest.raises(BenchError, match=f"{MIXED}: is there already"):
        exporting.export(collected, MIXED, "d4rl", exported["d4rl"])
    with pytest.raises(BenchError, match="--format: unknown name 'd4l'; did you mean 'd4rl'"):
        exporting.export(collected, MIXED, "d4l", tmp_path)

    def broken(*arguments):
        raise OSError("no space")

    monkeypatch.setattr(exporting, "write_croissant", broken)
    with pytest.raises(OSError, match="no space"):
        exporting.export(collected, MIXED, "minari", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert os.environ.get("MINARI_DATASETS_PATH") != str(tmp_path)


def test_pictures_keep_their_bytes(minari, tmp_path, monkeypatch):
    """One picture more than steps, each uncompressed."""
    envs.make("jump").close()  # registers it
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)
    ends = np.array([False, False, True, False, True])
    dataset = exporting.Exported(
        task="look",
        columns={
            "observations": pictures[:5], "final_observations": pictures[4:],
            "actions": np.zeros((5, 2), np.float32), "rewards": np.arange(5.0),
            "terminals": ends & [True, True, True, False, False],
            "timeouts": ends & [False, False, False, True, True],
        },
        attributes={"suite": MIXED, "quality": "noisy", "episodes": 2, "sha256": ""},
        spec=exporting.serialisable(gymnasium.spec("cds/Walker2d-jump-v0")),
        observation_space=gymnasium.spaces.Box(0, 255, (8, 8, 3), np.uint8),
        action_space=gymnasium.spaces.Box(-1, 1, (2,)),
        scores=(0.0, 1.0),
    )  # fmt: skip
    exporting.write_minari(dataset, MIXED, tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    first, second = minari.load_dataset(f"{MIXED}/look-v0").iterate_episodes()
    np.testing.assert_array_equal(first.observations, [*pictures[:3], pictures[4]])
    np.testing.assert_array_equal(second.observations, [*pictures[3:5], pictures[5]])
