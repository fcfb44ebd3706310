"""The command line: every stage without Snakemake, help, and usage errors."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
import yaml

from cds_bench import cli
from cds_bench.config import Config
from cds_bench.storage.files import read_json
from tests.cli.trees import tree

ROOT = Path(__file__).parents[2]
MIXED = "walker2d-mixed"
DEFAULT = ROOT / "workflow/config/default.yaml"
JOB = ("--suite", MIXED, "--algorithm", "cql", "--sharing", "cds", "--seeds", "0-1")
COMMANDS = (
    "config", "behaviour", "references", "dataset", "pool", "train", "evaluate",
    "evaluate-policies", "check-baseline", "statistics",
    "make", "tables", "render", "plan", "report", "status", "pack", "unpack", "import", "export",
    "theory", "tensorboard",
)  # fmt: skip


@pytest.fixture
def stages(call):
    """`stages(config)` runs everything, stage by stage, and returns the results folder."""

    def run(config: Config) -> Path:
        def stage(name: str, *options: str):
            status, _, errors = call(name, *options, "--config", config.model_dump_json())
            assert status == 0, errors

        for task in config.tasks():
            stage("references", "--task", task)
            stage("dataset", "--suite", MIXED, "--task", task)
        stage("pool", "--suite", MIXED)
        for sharing, (first, last) in itertools.product(config.sharing, config.seed_groups):
            job = ("--algorithm", "cql", "--sharing", sharing, "--seeds", f"{first}-{last}")
            stage("train", "--suite", MIXED, *job)
            stage("evaluate", "--suite", MIXED, *job)
        stage("statistics", "--suite", MIXED)
        stage("statistics")
        stage("make", "table", "--suite", MIXED)
        stage("make", "figures", "--suite", MIXED)
        stage("make", "table_shift")
        stage("report")
        return config.folder

    return run


def test_every_stage_by_hand_and_the_same_bytes_again(make_config, stages, trained, tmp_path):
    keys = ("algorithms", "sharing", "seeds", "training", "protocol")
    values = {key: trained.model_dump(mode="json")[key] for key in keys} | {"seeds_per_job": 1}
    values["protocol"]["reference"] = "cds"
    folders = [stages(make_config(tmp_path / name, **values)) for name in ("a", "b")]
    first, second = map(tree, folders)
    assert first.keys() == second.keys()
    timed = {name for name in first if Path(name).name in ("run.json", "timing.csv", "report.html")}
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= timed, "only what holds wall times may differ"
    assert {
        "scores.csv", "comparisons.csv", "tables/walker2d_mixed.md", "tables/walker2d_mixed.tex",
        "figures/walker2d_mixed_aggregates.png", "datasets/walker2d-mixed/manifest.json",
        "report.html",
    } <= first.keys()  # fmt: skip
    scores = pd.read_csv(folders[0] / "scores.csv")
    assert len(scores) == 3 * 2 * 2 * 3, "tasks, strategies, seeds, snapshots"
    assert np.isfinite(scores.score).all()
    by_seed = scores.pivot_table(index=["task", "sharing", "step"], columns="seed", values="score")
    assert (by_seed[0] != by_seed[1]).all(), "other seeds, other scores"


@pytest.mark.parametrize(
    ("policy", "suite", "options"),
    [
        ("run-forward", MIXED, {"random_steps": 16}),
        ("ant-reach", "antmaze-medium-directed", {"rollout": 32}),
    ],
)
def test_behaviour_policies_can_be_trained(call, tmp_path, policy, suite, options):
    values = {
        "profile": "tiny", "results": str(tmp_path), "behaviour": "train",
        "suites": {suite: None}, "algorithms": {"cql": None}, "sharing": {"cds": None},
        "behaviour_training": {
            policy: {
                "steps": 64, "snapshots": 2, "environments": 2, "batch_size": 16, "episodes": 1,
                **options,
            },
        },
    }  # fmt: skip
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(values))
    status, _, errors = call("behaviour", "--policy", policy, "--config", str(file))
    assert status == 0, errors
    provenance = read_json(tmp_path / "tiny" / "behaviour" / f"{policy}.json")
    assert provenance["steps"][-1] == 64
    assert len(provenance["mean_return"]) == len(provenance["steps"]) == 3
    file.write_text(yaml.safe_dump(values | {"behaviour": "frozen"}))
    status, _, errors = call("behaviour", "--policy", policy, "--config", str(file))
    assert status == 1
    assert errors.startswith("error: behaviour: is 'frozen'; set 'behaviour: train'")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(call, name):
    status, text, _ = call(name, "--help")
    assert status == 0
    words = " ".join(text.split())
    assert f"Example: cds-bench {name}" in words


@pytest.mark.parametrize("name", COMMANDS)
def test_help_keeps_what_is_in_angle_brackets(call, monkeypatch, name):
    """Markdown takes <id> outside of backticks for HTML and drops it."""
    monkeypatch.setattr(typer.rich_utils, "MAX_WIDTH", 300)
    command = typer.main.get_command(cli.app).commands[name]
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    named = {word for text in texts for word in re.findall(r"[^\s`]*<[^\s`]*>[^\s`]*", text or "")}
    shown = call(name, "--help")[1]
    assert not [word for word in named if word.rstrip(".,;:)") not in shown]


def test_help_lists_every_command(call):
    status, text, _ = call("--help")
    assert status == 0
    assert all(f" {name} " in text for name in COMMANDS)
    assert set(COMMANDS) == {
        command.name or command.callback.__name__ for command in cli.app.registered_commands
    }


def test_the_whole_configuration_is_shown(call):
    status, text, errors = call("config", "--config", str(ROOT / "workflow/config/smoke.yaml"))
    assert status == 0
    assert errors.startswith("warning: walker2d-mixed, cql: 60 steps at a target rate of 0.005 ")
    shown = json.loads(text)
    assert shown["profile"] == "smoke"
    assert shown["protocol"]["confidence"] == 0.95
    assert call("config", "--config", json.dumps(shown))[1] == text


def test_a_strategy_that_the_algorithm_is_not_trained_with(call):
    profile = {"suites": {MIXED: {}}, "algorithms": {"cql": {}, "bc": {"sharing": ["no_sharing"]}},
               "sharing": {"no_sharing": {}, "cds": {}}}  # fmt: skip
    arguments = ("--suite", MIXED, "--algorithm", "bc", "--sharing", "cds", "--seeds", "0-2")
    status, _, errors = call("train", *arguments, "--config", json.dumps(profile))
    assert status == 1
    expected = "error: --sharing: 'cds' is not among the strategies of bc (valid: no_sharing)"
    assert errors.strip() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "Missing option '--suite'"),
        (["traim"], "No such command 'traim'"),
        (["train", "--sed", "1"], "No such option: --sed"),
    ],
)
def test_usage_errors_show_the_usage(call, arguments, message):
    status, _, errors = call(*arguments)
    assert status == 2
    assert message in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("command", [["cds-bench"], [sys.executable, "-m", "cds_bench"]])
def test_both_ways_to_call_it(command):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        [*command, "config"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["profile"] == "default"
