"""Finished runs move to another folder and make the same tables; others are refused by key."""

import json
import shutil

import h5py
import pytest

from cds_bench import jobs
from cds_bench.dataset.relabel import build_pool
from cds_bench.errors import BenchError
from cds_bench.evaluation.evaluate import evaluate
from cds_bench.packing import archive, transfer
from cds_bench.packing.transfer import differences, pack, places, unpack
from cds_bench.statistics.schema import merge
from cds_bench.statistics.shift import merge as merge_shift
from cds_bench.storage import paths
from cds_bench.storage.fingerprint import fingerprint

SUITE = "walker2d-mixed"
RUNS = [(SUITE, "cql", sharing, "0-1") for sharing in ("no_sharing", "cds")]


@pytest.fixture(scope="module")
def there(trained, tmp_path_factory):
    """A machine with two trained and evaluated runs; read, never change."""
    folder = tmp_path_factory.mktemp("there")
    shutil.copytree(trained.results, folder, dirs_exist_ok=True)
    config = trained.model_copy(update={"results": str(folder)})
    for run in RUNS:
        evaluate(config.of(SUITE), *run)
    return config


@pytest.fixture
def here(there, tmp_path):
    """Another machine with the same data and pool, and no runs."""
    for name in ("references", "datasets", "pools"):
        shutil.copytree(there.folder / name, tmp_path / "here" / there.profile / name)
    return there.model_copy(update={"results": str(tmp_path / "here")})


@pytest.fixture(scope="module")
def packed(there, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    assert len(pack(there, folder)) == len(RUNS)
    return folder


def refusals(config, *sources, **options) -> list[str]:
    """The lines of runs that are refused; nothing else may have happened."""
    placed, lines = unpack(config, sources, **options)
    assert not placed
    assert not list(config.folder.glob("runs/*/*/*/*/run.json"))
    assert not (config.folder / "scores").exists()
    return lines


def test_unpacked_runs_make_the_same_tables(there, here, packed):
    placed, lines = unpack(here, [packed])
    assert (placed, lines) == (RUNS[::-1], [])
    assert merge(here, SUITE).equals(merge(there, SUITE))
    assert merge_shift(here, SUITE).equals(merge_shift(there, SUITE))
    for run in RUNS:
        for name, path in places(here, run).items():
            if name == "policies.safetensors":
                assert not path.exists()
            else:
                assert path.read_bytes() == places(there, run)[name].read_bytes()


def test_with_policies_they_can_be_evaluated_again(there, here, tmp_path):
    pack(there, tmp_path / "whole", policies=True)
    unpack(here, [tmp_path / "whole"])
    for run in RUNS:
        before = places(here, run)["scores.csv"].read_bytes()
        evaluate(here.of(SUITE), *run)
        assert places(here, run)["scores.csv"].read_bytes() == before


def test_each_file_is_newer_than_those_it_was_made_of(here, packed):
    """So that Snakemake does not make it again."""
    unpack(here, [packed])
    for run in RUNS:
        times = {
            name: path.stat().st_mtime_ns
            for name, path in places(here, run).items()
            if path.exists()
        }
        assert paths.pool(here, SUITE).stat().st_mtime_ns <= min(times.values())
        assert times["run.json"] <= min(times["scores.csv"], times["values.csv"])


def test_packing_again_changes_nothing(there, packed):
    before = {path: path.stat().st_mtime_ns for path in packed.rglob("*.tar.xz")}
    pack(there, packed)
    assert {path: path.stat().st_mtime_ns for path in packed.rglob("*.tar.xz")} == before


def test_unfinished_runs_are_not_packed(there, here, packed, tmp_path):
    unpack(here, [packed])
    paths.run_evaluation(here, *RUNS[0]).unlink()
    assert len(pack(here, tmp_path / "fewer")) == 1


def test_a_file_that_changed_is_not_packed(here, packed, tmp_path):
    unpack(here, [packed])
    metrics = places(here, RUNS[0])["metrics.csv"]
    metrics.write_text(metrics.read_text().replace("1", "2", 1))
    with pytest.raises(BenchError, match=r"no_sharing.*metrics\.csv: SHA-256 is"):
        pack(here, tmp_path / "wrong")


def test_what_is_there_already_stays(here, packed):
    unpack(here, [packed])
    before = {path: path.stat().st_mtime_ns for path in here.folder.rglob("*.csv")}
    placed, lines = unpack(here, [packed])
    assert not placed
    assert all(line.endswith("is there already") for line in lines)
    assert {path: path.stat().st_mtime_ns for path in here.folder.rglob("*.csv")} == before


def test_what_was_placed_in_part_is_completed(here, packed):
    """As if the disk had been full after the first files of a run."""
    unpack(here, [packed])
    whole = {path: path.read_bytes() for path in here.folder.rglob("*.csv")}
    paths.run_scores(here, *RUNS[0]).unlink()
    paths.run_evaluation(here, *RUNS[0]).unlink()
    placed, lines = unpack(here, [packed])
    assert placed == [RUNS[0]]
    assert len(lines) == 1
    assert {path: path.read_bytes() for path in here.folder.rglob("*.csv")} == whole


@pytest.mark.parametrize(
    ("section", "changes", "key"),
    [
        ("training", {"steps": 30}, "training.steps (20 there, 30 here)"),
        ("algorithms", {"cql": {"actions": 3}}, "algorithm.cql.actions (2 there, 3 here)"),
        ("protocol", {"curve_snapshots": 2}, "snapshot_steps ([0, 18, 20] there, "),
        ("protocol", {"final_episodes": 3}, "column 'episodes': "),
    ],
)
def test_another_configuration_is_refused_by_key(here, packed, section, changes, key):
    values = here.model_dump()
    values[section] = values[section] | changes
    lines = refusals(type(here).model_validate(values), packed)
    assert len(lines) == len(RUNS)
    assert all(line.startswith("refused: ") and key in line for line in lines)


def test_another_pool_is_refused(here, packed):
    with h5py.File(paths.pool(here, SUITE), "r+") as file:
        file.attrs["sha256"] = "0" * 64
    assert all("differs from this profile in pool (" in line for line in refusals(here, packed))
    build_pool(here, SUITE)
    assert unpack(here, [packed])[0]


def test_without_a_pool_the_message_says_how_to_make_it(here, packed):
    paths.pool(here, SUITE).unlink()
    assert all("snakemake --cores all --until pool" in line for line in refusals(here, packed))


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_other_code_is_refused_unless_it_is_accepted(there, here, packed, monkeypatch, kind):
    edited = {"training": "cds_bench.training.run", "evaluation": "cds_bench.evaluation.evaluate"}

    def other(*modules: str) -> str:
        return "of another day" if modules[0] == edited[kind] else fingerprint(*modules)

    monkeypatch.setattr(transfer, "fingerprint", other)
    there_code = {
        "training": fingerprint(*jobs.training_modules(there, *RUNS[0][1:3])),
        "evaluation": archive.read(next(packed.rglob("*.xz"))).manifest.evaluation_code,
    }[kind]
    lines = refusals(here, packed)
    assert any(f"its {kind} code is {there_code}, and here it is of another" in x for x in lines)
    codes = {archive.read(path).members["run.json"] for path in packed.rglob("*.xz")}
    known = {json.loads(text)["code"] for text in codes} | {there_code}
    assert len(unpack(here, [packed], known)[0]) == len(RUNS)


def test_seeds_of_other_jobs_are_refused(here, packed):
    fewer = here.model_copy(update={"seeds_per_job": 1})
    assert all("is no job of the profile" in line for line in refusals(fewer, packed))


def test_scores_that_were_edited_are_refused(here, packed, tmp_path):
    """Even if the archive's own hashes are right: the run's records hold them too."""
    path = next(packed.rglob("*.tar.xz"))
    found = archive.read(path)
    edited = found.members | {"scores.csv": found.members["scores.csv"].replace(b"0", b"1", 1)}
    manifest = found.manifest.model_dump(exclude={"sha256"})
    archive.write(tmp_path / "edited.tar.xz", manifest, edited)
    (line,) = refusals(here, tmp_path / "edited.tar.xz")
    assert "scores.csv: SHA-256 is" in line


def test_one_bad_archive_does_not_stop_the_others(here, packed, tmp_path):
    folder = tmp_path / "both"
    shutil.copytree(packed, folder)
    bad = sorted(folder.rglob("*.tar.xz"))[0]
    bad.write_bytes(b"nonsense")
    placed, lines = unpack(here, [folder])
    assert len(placed) == 1
    assert len(lines) == 1
    assert str(bad) in lines[0]


def test_an_empty_folder_is_named(here, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="holds no packed runs"):
        unpack(here, [tmp_path / "empty"])


def test_differences_name_the_innermost_key():
    there, here = {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"b": 2, "c": [1]}, "e": 1}
    assert list(differences(there, here)) == [
        "a.b (1 there, 2 here)",
        "d (1 there, null here)",
        "e (null there, 1 here)",
    ]
