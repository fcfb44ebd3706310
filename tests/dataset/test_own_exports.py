"""Exports of suites of one's own: they name their author, and never this project's."""

import json
import re
import shutil

import h5py
import pytest

import envs
from cds_bench.config import parse
from cds_bench.dataset import own
from cds_bench.dataset.exporting import export
from cds_bench.errors import BenchError
from tests.own_suites import forgotten, point, written

TOLD = {
    "AUTHOR": "A. Jones",
    "CITATION": "A. Jones: A line, 2026.",
    "LICENSE": "https://spdx.org/licenses/CC-BY-4.0.html",
}
OURS = re.compile(r"cds-bench|2109\.08128|MIT|Yu, ")


def declared(**told: str) -> str:
    lines = "".join(f"{key} = {value!r}\n" for key, value in told.items())
    return point().replace("TASKS = {", lines + "TASKS = {")


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """`exported(text, form)`: the folder of the exported suite `line`, which lies in suites/."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "out"))

    def exported(text: str, form: str):
        written(tmp_path / "here" / "suites" / "line", text)
        with forgotten():
            values = {"suites": {"line": {}}, "datasets": {"reference_episodes": 2}}
            config = parse(values | {"results": str(tmp_path / "results")}, "test")
            for task in config.tasks():
                own.write_references(config, task)
                own.collect(config, "line", task)
            export(config, "line", form, tmp_path / "out")
        return tmp_path / "out" / "line"

    return exported


@pytest.mark.parametrize("form", ["d4rl", "minari"])
def test_croissant_names_the_suites_author(exported, form):
    import mlcroissant

    folder = exported(declared(**TOLD), form)
    text = (folder / "croissant.json").read_text()
    told = json.loads(text)
    assert told["creator"] == {"@type": "sc:Person", "name": "A. Jones"}
    assert (told["citeAs"], told["license"]) == (TOLD["CITATION"], TOLD["LICENSE"])
    assert told["name"] == "line"
    assert not OURS.search(text)
    assert not mlcroissant.Dataset(jsonld=folder / "croissant.json").metadata.ctx.issues.errors


def test_every_dataset_names_the_suites_author(exported):
    with h5py.File(exported(declared(**TOLD), "d4rl") / "line-left.hdf5") as file:
        found = {key: file["metadata"][key][()].decode() for key in ("author", "license")}
    assert found == {"author": TOLD["AUTHOR"], "license": TOLD["LICENSE"]}


@pytest.mark.parametrize("missing", TOLD)
def test_without_them_the_export_is_refused(exported, tmp_path, missing):
    told = {key: value for key, value in TOLD.items() if key != missing}
    expected = rf"suites/line/suite\.py: .* but {missing} is missing; define above TASKS {missing}:"
    with pytest.raises(BenchError, match=expected):
        exported(declared(**told), "d4rl")
    assert not (tmp_path / "out").exists()


def test_the_environment_is_made_again_where_the_suites_folder_is(exported, tmp_path, monkeypatch):
    """As the guide says: at the same path from where the recipient works."""
    import minari

    exported(declared(**TOLD), "minari")
    dataset = minari.load_dataset("line/line-left-v0")
    assert dataset.storage.metadata["author"] == {"A. Jones"}
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(there)
    with forgotten(), pytest.raises(envs.WorldError, match=r"suites/line/suite\.py: no such file"):
        dataset.recover_environment()
    shutil.copytree(tmp_path / "here" / "suites", there / "suites")
    with forgotten():
        env = dataset.recover_environment()
        assert env.unwrapped.task.name == "line-left"
        env.close()
