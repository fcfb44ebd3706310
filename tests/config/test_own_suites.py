"""Profiles with suites of one's own: found in suites/, or in folders that the profile names."""

import json

import pytest

import envs
from cds_bench import jobs
from cds_bench.config import parse, part
from cds_bench.errors import BenchError
from tests.own_suites import forgotten, point, written


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with forgotten():
        yield


def test_a_named_suite_is_found_in_suites(tmp_path):
    written(tmp_path / "suites" / "line", point())
    config = parse({"suites": {"line": None, "walker2d-mixed": None}}, "test")
    assert config.suite_folders == ("suites/line",)
    assert config.tasks()[:2] == ["line-right", "line-left"]
    assert config.size("line", "line-left") == 100


def test_folders_may_be_named(tmp_path):
    folder = str(written(tmp_path / "elsewhere" / "line", point()))
    config = parse(
        {"suites": {"line": {"sizes": {"line-left": 7}}}, "suite_folders": [folder]}, "t"
    )
    assert config.size("line", "line-left") == 7


def test_every_job_is_told_the_folders_and_others_nothing(tmp_path):
    written(tmp_path / "suites" / "line", point())
    config = parse({"suites": {"line": None}}, "test")
    assert json.loads(part(config, "behaviour"))["suite_folders"] == ["suites/line"]
    shipped = parse({"suites": {"walker2d-mixed": None}}, "test")
    assert "suite_folders" not in json.loads(part(shipped, "behaviour"))


def test_a_broken_suite_hurts_only_its_own_profiles(tmp_path):
    written(tmp_path / "suites" / "line", "TASKS = {}")
    parse({"suites": {"walker2d-mixed": None}}, "test")
    with pytest.raises(BenchError, match=r"^test: suites/line/suite\.py: TASKS is missing"):
        parse({"suites": {"line": None}}, "test")


def test_an_unknown_suite_says_where_an_own_one_would_be():
    with pytest.raises(BenchError, match=r"a suite of your own lies in suites/lin/suite\.py"):
        parse({"suites": {"lin": None}}, "test")


@pytest.mark.parametrize("folders", ["line", [3], {"a": 1}])
def test_folders_of_another_type_are_refused(folders):
    with pytest.raises(BenchError, match=r"suite_folders|3/suite\.py"):
        parse({"suites": {"walker2d-mixed": None}, "suite_folders": folders}, "test")


def test_an_edit_changes_the_fingerprint_and_a_comment_does_not(tmp_path):
    from cds_bench.storage import fingerprint as module

    def code():
        for cached in (module._path, module._tree, module.imports, module._code):
            cached.cache_clear()
        return [module.fingerprint(*jobs.behaviours(name)) for name in ("line", "locomotion")]

    folder = written(tmp_path / "suites" / "line", point())
    parse({"suites": {"line": None}}, "test")
    before = code()
    written(folder, point().replace("def right", "# to the right\ndef right").replace("toy", "Toy"))
    assert code() == before
    (folder / "rewards.py").write_text('"""Scales."""\nSCALE = 3.0\n')
    added = code()
    assert (added[0] != before[0], added[1]) == (True, before[1])
    written(folder, point().replace("> 1.0", "> 0.9"))
    changed = code()
    assert (changed[0] != added[0], changed[1]) == (True, before[1])


def test_the_files_of_data_are_inputs_of_their_jobs(tmp_path):
    data = tmp_path / "minari" / "line" / "right-v0"
    source = f'Data("{data}", transitions=10)'
    written(tmp_path / "suites" / "line", point(source))
    config = parse({"suites": {"line": None}}, "test")
    with pytest.raises(envs.WorldError, match="there are no data at"):
        jobs.policy_files(config, "line-right")
    (data / "data").mkdir(parents=True)
    (data / "data" / "main_data.hdf5").touch()
    assert jobs.policy_files(config, "line-right") == [str(data / "data" / "main_data.hdf5")]
    assert jobs.policy_files(config, "line-left") == []
    (data / "data" / "0").mkdir()
    with pytest.raises(envs.WorldError, match=r"right-v0 is in the format Arrow or Parquet .*HDF5"):
        jobs.policy_files(config, "line-right")


def test_a_dataset_of_minari_that_is_missing_can_be_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    source = 'Data("minari:mujoco/hopper/medium-v0", transitions=10)'
    written(tmp_path / "suites" / "line", point(source))
    config = parse({"suites": {"line": None}}, "test")
    message = "no data at .*; collect them first, or run `minari download mujoco/hopper/medium-v0`"
    with pytest.raises(envs.WorldError, match=message):
        jobs.policy_files(config, "line-right")
