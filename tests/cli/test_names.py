"""Names on the command line that do not exist: a plain message says which do."""

import importlib
import itertools
import json
from pathlib import Path

import pytest

from cds_bench.storage import paths

ROOT = Path(__file__).parents[2]
MIXED = "walker2d-mixed"
DEFAULT = ROOT / "workflow/config/default.yaml"
JOB = ("--suite", MIXED, "--algorithm", "cql", "--sharing", "cds", "--seeds", "0-1")
COMMANDS = (
    "config", "behaviour", "references", "dataset", "pool", "train", "evaluate",
    "evaluate-policies", "check-baseline", "statistics",
    "make", "tables", "render", "plan", "report", "status", "pack", "unpack",
)  # fmt: skip


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


def test_an_argument_is_not_called_an_option(copy, refused):
    message = refused(copy, "export", "walker2d-mixd", "--format", "d4rl")
    assert message.startswith("suite: 'walker2d-mixd' is not configured; did you mean 'walker2d-m")


def test_a_task_needs_no_suite(call, copy):
    """A rule passes no suites if it does not depend on their sizes."""
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
        (["table"], "table: is made per suite; add --suite"),
        (["table_ranks", "--suite", MIXED], "table_ranks: covers all suites; omit --suite"),
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
    """The configuration is a rule's part, which names no suites, or the default profile."""
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
         "x/none.xml: not found; the package 'gymnasium_robotics' should hold the point's model"),
        ("door-open", "sawyer", "FILES", ("none.xml",), "these assets of metaworld are missing: "),
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
