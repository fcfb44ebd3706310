"""The command line: every stage without Snakemake, and plain messages for what a user can mend."""

import hashlib
import importlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from cds_bench import cli
from cds_bench.config import Config
from cds_bench.dataset.pool import load_pool, save_pool
from cds_bench.storage import paths
from cds_bench.storage.files import read_json

ROOT = Path(__file__).parents[1]
MIXED = "walker2d-mixed"
DEFAULT = ROOT / "workflow/config/default.yaml"
JOB = ("--suite", MIXED, "--algorithm", "cql", "--sharing", "cds", "--seeds", "0-1")
COMMANDS = (
    "config", "behaviour", "references", "dataset", "pool", "train", "evaluate",
    "evaluate-policies", "check-baseline", "statistics",
    "make", "tables", "render", "plan", "report", "status",
)  # fmt: skip


@pytest.fixture
def call(monkeypatch, capfd):
    """`call("train", ...)` runs the command here: (exit status, standard output, error output)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cds-bench", *arguments])
        capfd.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            if isinstance(end.code, str):  # as the interpreter does when nothing catches it
                print(end.code, file=sys.stderr)
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        return status, *capfd.readouterr()

    return run


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


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def copy(trained, tmp_path):
    """A trained profile that a test may damage: its configuration, in a folder of its own."""
    shutil.copytree(trained.results, tmp_path / "results")
    return trained.model_copy(update={"results": str(tmp_path / "results")})


@pytest.fixture
def refused(call):
    """Calls a command, which must fail with one plain message and write nothing; the message."""

    def run(config: Config, name: str, *options: str) -> str:
        before = tree(Path(config.results))
        status, output, errors = call(name, *options, "--config", config.model_dump_json())
        assert status == 1
        assert not output
        assert errors.startswith("error: ")
        assert "Traceback" not in errors
        assert errors.count("\n") == 1
        assert tree(Path(config.results)) == before
        return errors.removeprefix("error: ").strip()

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
def test_the_behaviour_policies_too(call, tmp_path, policy, suite, options):
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


def test_help_lists_every_command(call):
    status, text, _ = call("--help")
    assert status == 0
    assert all(f" {name} " in text for name in COMMANDS)
    assert set(COMMANDS) == {
        command.name or command.callback.__name__ for command in cli.app.registered_commands
    }


def test_the_configuration_is_shown_whole(call):
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


def job(**changes: str) -> list[str]:
    options = dict(zip(JOB[::2], JOB[1::2], strict=True))
    options |= {f"--{key}": value for key, value in changes.items()}
    return list(itertools.chain.from_iterable(options.items()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sharing": "csd"}, "--sharing: 'csd' is not configured; did you mean 'cds'? (valid: cds"),
        ({"algorithm": "cq"}, "--algorithm: 'cq' is not configured; did you mean 'cql'?"),
        ({"suite": "walker"}, "--suite: 'walker' is not configured; did you mean 'walker2d-mixed'"),
        ({"seeds": "2"}, "--seeds: '2' is not of the form <first>-<last>, for example 0-2"),
        ({"seeds": "2-1"}, "--seeds: '2-1' is not of the form <first>-<last>"),
        ({"seeds": "a-b"}, "--seeds: 'a-b' is not of the form <first>-<last>"),
        ({"seeds": "-1-2"}, "--seeds: '-1-2' is not of the form <first>-<last>"),
    ],
)
def test_wrong_names(copy, refused, changes, message):
    assert refused(copy, "train", *job(**changes)).startswith(message)


def test_a_task_needs_no_suite(call, copy):
    """A rule passes no suites where their sizes do not count."""
    values = json.loads(copy.model_dump_json(exclude={"suites"}))
    status, _, errors = call("references", "--task", "jump", "--config", json.dumps(values))
    assert status == 0, errors
    status, _, errors = call("references", "--task", "jmp", "--config", json.dumps(values))
    assert status == 1
    assert "did you mean 'jump'" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["tabel", "--suite", MIXED],
            "unknown target 'tabel'; did you mean 'table'? (valid: coverage, ",
        ),
        (["table"], "table: is of one suite; add --suite"),
        (["table_ranks", "--suite", MIXED], "table_ranks: is of all suites; omit --suite"),
        (["paper_table_shift"], "paper_table_shift: needs suites of the same tasks with data of"),
        (["table", "--suite", MIXED], "{}/scores/walker2d-mixed.csv: no such file; run the stage"),
        (["table_ranks"], "{}/scores.csv: no such file; run the stage"),
    ],
)
def test_a_target_that_cannot_be_made(copy, refused, arguments, message):
    assert refused(copy, "make", *arguments).startswith(message.format(copy.folder))


def test_the_profiles_statistics_need_those_of_its_suites(copy, refused):
    message = refused(copy, "statistics")
    assert message.startswith(f"{paths.scores(copy, MIXED)}: no such file; run the stage")


def test_an_unknown_task(copy, refused):
    message = refused(copy, "references", "--task", "jmp")
    assert message.startswith("--task: 'jmp' is not configured; did you mean 'jump'?")


def test_an_unknown_goal_suite_or_policy(call):
    """Of the rules' parts of a configuration, which name no suites, and of the default profile."""
    for stage, option, name, message in (
        ("references", "task", "antmaze-large-20-1", "did you mean 'antmaze-large-20-0'?"),
        ("behaviour", "policy", "ant-reech", "did you mean 'ant-reach'? (valid: ant-reach, jump"),
    ):
        status, _, errors = call(stage, f"--{option}", name, "--config", '{"profile": "test"}')
        assert status == 1
        assert errors.startswith(f"error: --{option}: '{name}' is not configured; {message}")
    status, _, errors = call("pool", "--suite", "pointmaze-medium", "--config", str(DEFAULT))
    assert status == 1
    assert "did you mean 'pointmaze-medium-undirected'?" in errors


@pytest.mark.parametrize(
    ("task", "module", "name", "value", "message"),
    [
        ("pointmaze-medium-20-4", "maze", "BODIES", {"point": ("gymnasium_robotics", "x/none.xml")},
         "x/none.xml: not installed, but the point's model is expected there"),
        ("door-open", "sawyer", "FILES", ("none.xml",), "missing of metaworld's assets: "),
    ],
)  # fmt: skip
def test_a_world_that_cannot_be_built(
    call, monkeypatch, tmp_path, task, module, name, value, message
):
    world = importlib.import_module(f"envs.{module}")
    monkeypatch.setattr(world, name, value)
    compiled = [f for f in vars(world).values() if hasattr(f, "cache_clear")]
    for function in compiled:
        function.cache_clear()
    config = json.dumps({"results": str(tmp_path), "profile": "test"})
    status, output, errors = call("references", "--task", task, "--config", config)
    assert status == 1
    assert not output
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert message in errors
    assert "none.xml" in errors
    assert "run `make setup`" in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_a_missing_pool(copy, refused, name):
    paths.pool(copy, MIXED).unlink()
    message = refused(copy, name, *JOB)
    assert message.startswith(f"{paths.pool(copy, MIXED)}: no such file; run the stage")


def test_a_missing_dataset(copy, refused):
    paths.dataset(copy, MIXED, "jump").unlink()
    message = refused(copy, "pool", "--suite", MIXED)
    assert message.startswith(f"{paths.dataset(copy, MIXED, 'jump')}: no such file")


def test_a_missing_run(copy, refused):
    shutil.rmtree(paths.run(copy, MIXED, "cql", "cds", "0-1"))
    assert "policies.safetensors: not readable" in refused(copy, "evaluate", *JOB)


@pytest.mark.parametrize("stage", ["pool", "train"])
def test_a_truncated_file(copy, refused, stage):
    path = paths.dataset(copy, MIXED, "jump") if stage == "pool" else paths.pool(copy, MIXED)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = refused(copy, stage, *(JOB if stage == "train" else ("--suite", MIXED)))
    assert message.startswith(f"{path}: not a readable HDF5 file")
    assert "delete the file to have it" in message


@pytest.mark.parametrize(
    ("stage", "key", "value", "message"),
    [
        ("pool", "rewards", np.nan, "2 rewards are NaN (first at row 7); delete the file"),
        ("pool", "actions", 1.5, "2 actions are outside [-1, 1] (first at row 7); delete the file"),
        ("train", "rewards", np.nan, "2 rewards are NaN (first at row 7); delete the file"),
        ("train", "actions", -2, "2 actions are outside [-1, 1] (first at row 7); delete the file"),
    ],
)
def test_damaged_numbers(copy, refused, stage, key, value, message):
    path = paths.dataset(copy, MIXED, "jump") if stage == "pool" else paths.pool(copy, MIXED)
    with h5py.File(path, "r+") as file:
        file[key][7:9] = value
    found = refused(copy, stage, *(JOB if stage == "train" else ("--suite", MIXED)))
    assert found.startswith(f"{path}: {message}")


def test_a_run_of_another_configuration_is_kept(copy, refused):
    training = copy.training.model_copy(update={"batch_size": 64})
    other = copy.model_copy(update={"training": training})
    message = refused(other, "train", *JOB)
    folder = paths.run(copy, MIXED, "cql", "cds", "0-1")
    assert message.startswith(f"{folder}: holds a run with another training; delete the folder")


def test_a_pool_that_is_not_the_runs(copy, refused):
    pool = load_pool(paths.pool(copy, MIXED))
    save_pool(paths.pool(copy, MIXED), type(pool)(**vars(pool) | {"rewards": pool.rewards + 1}))
    folder = paths.run(copy, MIXED, "cql", "cds", "0-1")
    assert refused(copy, "train", *JOB).startswith(f"{folder}: holds a run with another pool")
    message = refused(copy, "evaluate", *JOB)
    assert message.startswith(f"{folder / 'policies.safetensors'}: was trained on another pool")


def test_too_few_steps_for_the_final_snapshots(copy, refused):
    short = copy.model_copy(update={"training": copy.training.model_copy(update={"steps": 4})})
    assert refused(short, "train", *JOB).startswith("training.steps: 4 are too few for 2 final")


def test_an_option_of_the_wrong_type(copy, refused):
    shutil.rmtree(copy.folder / "runs")
    wrong = copy.model_copy(update={"sharing": {"cds": {"tau": "high"}}})
    assert refused(wrong, "train", *JOB).startswith("sharing.cds.tau: Input should be a val")


def test_a_missing_profile(call, tmp_path):
    status, _, errors = call("config", "--config", str(tmp_path / "none.yaml"))
    assert (status, errors) == (
        1,
        f"error: {tmp_path}/none.yaml: no such configuration; see workflow/config/\n",
    )


@pytest.mark.parametrize("package", ["h5py", "torch"])
def test_a_missing_package_is_named(trained, package):
    code = (
        f"import sys; sys.modules['{package}'] = None; "
        "from cds_bench.cli import main; sys.argv[1:1] = ['train']; main()"
    )
    command = [sys.executable, "-c", code, *JOB, "--config", trained.model_dump_json()]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: the package '{package}' is not installed here; run")
    assert "make setup" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_while_training(copy):
    """The system refuses a file beyond 1 kB: a plain message, and no half-written run."""
    shutil.rmtree(copy.folder / "runs")
    before = tree(Path(copy.results))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "import sys; sys.argv[1:1] = ['train']; from cds_bench.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *JOB, "--config", copy.model_dump_json()]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "error: " in result.stderr
    assert "policies.safetensors: not written (" in result.stderr
    assert "Traceback" not in result.stderr
    left = tree(Path(copy.results)).keys() - before.keys()
    assert {Path(name).name for name in left} <= {".claim", ".progress.json"}, "for those who watch"


@pytest.mark.parametrize("command", [["cds-bench"], [sys.executable, "-m", "cds_bench"]])
def test_both_ways_to_call_it(command):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        [*command, "config"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["profile"] == "default"
