"""The workflow on a copy of the project: what it runs, what it reruns, and how it survives a kill.

A tiny profile is run once. Most tests then use a dry run to see what an edit would rerun.
"""

import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd

from tests.projects import (
    ENTRY,
    MAKE_ALL,
    MIXED,
    NOVELTY,
    PATIENT,
    STATISTICS,
    SUMMARY,
    TABLE,
    TINY,
    alive,
    wait_for,
)


def files(folder: Path) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]


def test_a_run_makes_everything(finished):
    results = finished.folder / "results" / "tiny"
    made = set(files(results))
    run = "runs/walker2d-mixed/cql/patient/seeds0-1"
    expected = {
        "config.json", "scores.csv", "comparisons.csv", "report.html", "pools/walker2d-mixed.hdf5",
        "references/jump.json", "datasets/walker2d-mixed/manifest.json",
        "datasets/walker2d-mixed/run-forward.hdf5", "tables/walker2d_mixed.md",
        "figures/walker2d_mixed_learning_curves.svg",
        "scores/walker2d-mixed/cql/patient/seeds0-1.csv",
        *(f"{run}/{name}" for name in ("policies.safetensors", "metrics.csv", "run.json")),
    }  # fmt: skip
    assert expected <= made
    for name in ("scores", "failures", "shift", "comparisons"):
        assert {f"{name}.csv", f"{name}/{MIXED}.csv"} <= made
    assert {Path(name).name for name in made if Path(name).name.startswith(".")} == {".claim"}
    resolved = json.loads((results / "config.json").read_text())
    assert list(resolved["sharing"]) == list(TINY["sharing"])
    assert resolved["training"]["steps"] == 20
    assert resolved["protocol"]["margin"] == 0.05, "defaults are in it"
    assert (results / "scores.csv").read_bytes() == (results / f"scores/{MIXED}.csv").read_bytes()
    page = (results / "report.html").read_text()
    assert "walker2d_mixed_learning_curves.svg" in page
    assert ">missing: " not in page
    assert "of which 2 are\ncomplete" in page


def test_rules_pass_every_key_that_their_products_depend_on(finished, tmp_path):
    """A key that is not passed has its default. So all are made again with the whole profile."""
    passed, whole = finished.folder / "results" / "tiny", tmp_path / "tiny"
    shutil.copytree(passed, whole)
    shutil.rmtree(whole / "tables")
    shutil.rmtree(whole / "figures")
    command = [sys.executable, "-c", MAKE_ALL, finished.profile(results=str(tmp_path))]
    subprocess.run(command, cwd=finished.folder, env=finished.environment, check=True)
    _, different, not_made = filecmp.cmpfiles(passed, whole, files(passed), shallow=False)
    assert (different, not_made) == ([], [])


def test_a_second_run_has_nothing_to_do(finished):
    assert finished.planned("--configfile", finished.profile()) == {}


def test_comments_and_docstrings_rerun_nothing(finished, edit):
    edit("cds_bench/algorithms/cql.py", "\ndef losses(", "\n# Why it is so.\ndef losses(")
    edit("cds_bench/training/loop.py", '"""The training loop: ', '"""The good old loop: ')
    edit("envs/locomotion.py", "INITIAL_HEIGHT = 1.25", "INITIAL_HEIGHT = 1.25  # metres")
    assert finished.planned("--configfile", finished.profile()) == {}


def test_another_loss_trains_again_and_keeps_the_data(finished, edit):
    edit("cds_bench/algorithms/cql.py", "\ndef losses(", "\nSCALE = 2.0\n\n\ndef losses(")
    plan = finished.planned("--configfile", finished.profile())
    assert plan == {"train": 2, "evaluate": 2, **SUMMARY}


def test_an_edited_strategy_trains_its_runs_again(finished, edit):
    edit("cds_bench/sharing/patient.py", "== 10", "== 11")
    plan = finished.planned("--configfile", finished.profile())
    assert plan == {"train": 1, "evaluate": 1, **SUMMARY}


def test_another_reward_collects_again(finished, edit):
    edit("envs/locomotion.py", "INITIAL_HEIGHT = 1.25", "INITIAL_HEIGHT = 1.26")
    plan = finished.planned("--configfile", finished.profile())
    assert plan["references"] == plan["dataset"] == 3
    assert plan["train"] == 2


def test_another_domains_code_reruns_nothing(finished, edit):
    edit("envs/navigation.py", "RADIUS = 0.5", "RADIUS = 0.6")
    edit("envs/maze.py", "START_NOISE = 0.5", "START_NOISE = 0.6")
    edit("cds_bench/behaviour/navigation.py", "NOISE = 0.2", "NOISE = 0.3")
    assert finished.planned("--configfile", finished.profile()) == {}


def test_another_table_is_drawn_from_the_same_scores(finished, edit):
    edit("cds_bench/report/captions.py", "\ndef seeds_caption(", "\nX = 1\n\n\ndef seeds_caption(")
    plan = finished.planned("--configfile", finished.profile())
    assert not set(STATISTICS) & plan.keys()
    assert plan[TABLE] == plan["report"] == 1


def test_another_caption_or_style_remakes_only_the_page(finished, edit):
    edit("cds_bench/report/products.py", "Each panel shows where", "Every panel shows where")
    edit("cds_bench/report/page.css", "scroll-behavior: smooth", "scroll-behavior: auto")
    assert finished.planned("--configfile", finished.profile()) == {"report": 1, "all": 1}


def test_more_seeds_repeat_nothing(finished):
    path = finished.profile(seeds=4)
    _, output = finished.run("-n", "--configfile", path)
    trained = re.findall(r"Training cql x (\w+) on walker2d-mixed, seeds (\S+)", output)
    evaluated = re.findall(r"Evaluating cql x (\w+) on walker2d-mixed, seeds (\S+)", output)
    assert sorted(trained) == sorted(evaluated) == [("no_sharing", "2-3"), ("patient", "2-3")]
    plan = finished.planned("--configfile", path)
    assert plan == {"train": 2, "evaluate": 2, "configuration": 1, **SUMMARY}


def test_a_new_strategy_is_one_file_and_runs_alone(finished):
    file = finished.folder / "cds_bench" / "sharing" / "newcomer.py"
    file.write_text(PATIENT.replace("No sharing, slowly", "A newcomer"))
    try:
        path = finished.profile(sharing=TINY["sharing"] | {"newcomer": None})
        _, output = finished.run("-n", "--configfile", path)
        assert re.findall(r"Training cql x (\w+)", output) == ["newcomer"]
        plan = finished.planned("--configfile", path)
        assert plan == {"train": 1, "evaluate": 1, "configuration": 1, **SUMMARY}
    finally:
        file.unlink()


def test_a_broken_strategy_leaves_the_others_tables(finished):
    """Every table is written and gives the failure's reason. Without the strategy it is remade."""
    file = finished.folder / "cds_bench" / "sharing" / "broken.py"
    file.write_text(PATIENT.replace("calls.append(1)", 'raise ValueError("no such <luck>")'))
    results = finished.folder / "results" / "partial"
    table = results / "tables" / "walker2d_mixed.csv"
    few = {"training": TINY["training"] | {"steps": 10}, "profile": "partial"}
    try:
        path = finished.profile(**few, sharing={"no_sharing": None, "broken": None})
        status, output = finished.run("--cores", "2", TABLE, "--configfile", path)
        assert status != 0
        assert "no such <luck>" in output
        frame = pd.read_csv(table).set_index(["task", "sharing"])
        assert (frame.xs("no_sharing", level="sharing")["n"] == 2).all()
        broken = frame.loc[("average", "broken")]
        assert (broken["n"], broken["failed"]) == (0, 2)
        assert broken["note"] == "seeds 0, 1: training: ValueError: no such <luck>"
        text = table.with_suffix(".md").read_text()
        assert "failed 0 of 2 seeds" in text
        for name in ("claims", "ranks", "distribution_shift", "walker2d_mixed_comparisons"):
            assert (results / "tables" / f"{name}.html").exists()
        assert (results / "figures" / "walker2d_mixed_learning_curves.png").exists()
    finally:
        file.unlink()
    path = finished.profile(**few, sharing={"no_sharing": None})
    status, output = finished.run("--cores", "2", TABLE, "--configfile", path)
    assert status == 0, output
    assert "Training" not in output
    assert "broken" not in table.with_suffix(".md").read_text()


def test_a_new_table_is_one_entry_and_one_function(finished, edit):
    """Rule, command, `cds-bench tables` and the page take it from the registry."""
    edit("cds_bench/report/products.py", "PRODUCTS = (\n", ENTRY)
    module = finished.folder / "cds_bench" / "report" / "novelty.py"
    module.write_text(NOVELTY)
    results, target = finished.folder / "results" / "tiny", "novelty_walker2d_mixed"
    made = [results / "tables" / f"{MIXED.replace('-', '_')}_novelty.{end}"
            for end in ("csv", "md", "tex", "html", "json")]  # fmt: skip
    try:
        path = finished.profile()
        plan = finished.planned("--configfile", path)
        assert plan == {target: 1, "report": 1, "all": 1}
        status, output = finished.run("--cores", "1", target, "--configfile", path)
        assert status == 0, output
        assert all(file.exists() for file in made)
        assert "| jump | 1 |" in made[1].read_text()
        command = ["cds-bench", "report", "--config", path]
        subprocess.run(command, cwd=finished.folder, env=finished.environment, check=True)
        page = (results / "report.html").read_text()
        assert "A novelty" in page
        assert "It is new." in page
    finally:
        module.unlink()
        for file in made:
            file.unlink(missing_ok=True)


def test_the_output_is_short_and_ends_with_the_report(finished):
    """Each job is one line, and the last lines name the report."""
    page = finished.folder / "results" / "tiny" / "report.html"
    page.unlink()
    status, output = finished.run("--cores", "1", "--configfile", finished.profile())
    assert status == 0, output
    assert "Making the report page" in output
    assert max(map(len, output.splitlines())) < 200
    assert "Report: results/tiny/report.html" in "\n".join(output.splitlines()[-4:])


def test_another_suite_repeats_nothing(finished):
    medium = {"sizes": {"run-forward": 100, "run-backward": 100, "jump": 100}}
    path = finished.profile(suites=TINY["suites"] | {"walker2d-medium": medium})
    assert finished.planned("--configfile", path) == {
        "dataset": 3, "pool": 1, "train": 2, "evaluate": 2, "configuration": 1,
        "table_walker2d_medium": 1, "figures_walker2d_medium": 1, "coverage_walker2d_medium": 1,
        "selection_walker2d_medium": 1, "headroom_walker2d_medium": 1,
        **SUMMARY, "suite_statistics": 2,
    }  # fmt: skip


def test_another_protocol_of_comparison_trains_nothing(finished):
    path = finished.profile(protocol=TINY["protocol"] | {"resamples": 300})
    assert finished.planned("--configfile", path) == {"configuration": 1, **SUMMARY}


def test_more_episodes_evaluate_again_and_train_nothing(finished):
    path = finished.profile(protocol=TINY["protocol"] | {"final_episodes": 2})
    plan = finished.planned("--configfile", path)
    assert plan == {"evaluate": 2, "configuration": 1, **SUMMARY}


def copy_data(results: Path, profile: str):
    """The data of `tiny` for another profile, in which only training matters."""
    for name in ("references", "datasets", "pools"):
        shutil.copytree(results / "tiny" / name, results / profile / name)


def test_unpacked_runs_are_not_trained_again(finished, edit):
    """Nor evaluated, although their policies are not there. A later edit is noticed as ever."""
    moved = finished.profile(profile="moved")
    copy_data(finished.folder / "results", "moved")
    how = {"cwd": finished.folder, "env": finished.environment, "check": True}
    subprocess.run(["cds-bench", "pack", "it", "--config", finished.profile()], **how)
    subprocess.run(["cds-bench", "unpack", "it", "--config", moved], **how)
    assert not {"train", "evaluate", "pool"} & finished.planned("--configfile", moved).keys()
    edit("cds_bench/algorithms/cql.py", "\ndef losses(", "\nSCALE = 2.0\n\n\ndef losses(")
    assert finished.planned("--configfile", moved)["train"] == 2


def test_killed_and_run_again_it_ends_with_the_same_scores(finished, start):
    """The workflow is killed twice during training: the process group, and then only Snakemake.

    In between, a second workflow on the same results is refused.
    """
    path, marker = finished.profile(profile="killed"), finished.folder / "waiting"
    command = ("--cores", "2", "statistics", "--configfile", path)
    results = finished.folder / "results"
    copy_data(results, "killed")

    first = start(*command, TEST_WAIT=str(marker))
    wait_for(marker.exists)
    child = int(marker.read_text())
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    wait_for(lambda: not alive(child))
    marker.unlink()
    run = results / "killed" / "runs" / MIXED / "cql" / "patient" / "seeds0-1"
    left = {path.name for path in run.iterdir()}
    assert left <= {".claim", ".progress.json"}, "nothing half-written; progress after 5 s"

    second = start(*command, TEST_WAIT=str(marker))
    wait_for(marker.exists)
    status, output = finished.run(*command)
    assert status != 0
    assert "results/killed: a workflow is being run on it by process " in output
    assert "Traceback" not in output
    child = int(marker.read_text())
    os.kill(second.pid, signal.SIGKILL)
    second.wait()
    assert alive(child), "its jobs live on"

    status, output = finished.run(*command)
    assert status != 0, "what an orphan trains is not trained a second time"
    log = results / "killed" / "logs" / "train" / f"{MIXED}_cql_patient_0-1.log"
    assert f"is being trained by process {child} on" in log.read_text()
    marker.unlink()
    wait_for(lambda: not alive(child))
    assert (run / "run.json").exists(), "the orphan ends and writes its run"
    status, output = finished.run(*command)
    assert status == 0, output
    assert finished.scores("killed") == finished.scores("tiny")
    assert finished.planned("statistics", "--configfile", path) == {}
