"""What jobs ask a batch system for: measured values with head room, or else sufficient ones."""

import re
import types

import pytest

from cds_bench.config import load, parse
from cds_bench.planning import requests
from cds_bench.planning.requests import LONGEST_MINUTES, UNMEASURED, request
from cds_bench.storage import paths
from tests.projects import ROOT

SUITE = "walker2d-mixed"
TRAIN = {"suite": SUITE, "algorithm": "cql", "sharing": "cds", "seeds": "0-2"}
NEEDS = {
    f"train/{SUITE}/cql/cds": {"seconds": 3600.0, "bytes": 2e9},
    f"evaluate/{SUITE}": {"seconds": 60.0},
    "references/jump": {"seconds": 1e6},
}


@pytest.fixture
def config(tmp_path):
    values = {"results": str(tmp_path), "suites": {SUITE: {}}, "algorithms": {"cql": {}}}
    return parse(values | {"sharing": {"cds": {}}}, "test")


def asked(config, rule: str, **wildcards: str) -> tuple[int, int]:
    found = request(config, rule)
    wildcards = types.SimpleNamespace(**wildcards)
    return found["mem_mb"](wildcards), found["runtime"](wildcards)


def test_measured_jobs_ask_for_twice_their_need_and_for_starting(config):
    requests.write(config, NEEDS)
    assert asked(config, "train", **TRAIN) == (1000 + 4000, 10 + 120)
    assert asked(config, "evaluate", **TRAIN) == (UNMEASURED["evaluate"][0], 10 + 2)


def test_nothing_asks_for_more_than_a_day(config):
    requests.write(config, NEEDS)
    assert asked(config, "references", task="jump")[1] == LONGEST_MINUTES
    assert all(minutes <= LONGEST_MINUTES for _, minutes in UNMEASURED.values())


def test_without_a_measurement_they_ask_for_what_suffices(config):
    assert asked(config, "train", **TRAIN) == UNMEASURED["train"]
    requests.write(config, NEEDS)
    assert asked(config, "train", **(TRAIN | {"sharing": "new"})) == UNMEASURED["train"]
    assert asked(config, "statistics") == requests.SHORT


def test_a_measurement_of_other_settings_is_not_used(config):
    requests.write(config, NEEDS)
    training = config.training.model_copy(update={"steps": config.training.steps * 2})
    assert (
        asked(config.model_copy(update={"training": training}), "train", **TRAIN)
        == (UNMEASURED["train"])
    )
    more = config.model_copy(update={"seeds": config.seeds + 3})
    assert asked(more, "train", **TRAIN) == (5000, 130), "more jobs do not change a job"


@pytest.mark.parametrize("text", ["", "[]", '{"needs": {}}', '{"settings": "", "needs": {"a": 1}}'])
def test_a_damaged_plan_does_not_stop_the_workflow(config, text):
    paths.plan(config).parent.mkdir(parents=True)
    paths.plan(config).write_text(text)
    assert asked(config, "train", **TRAIN) == UNMEASURED["train"]


def test_every_shipped_profile_can_ask():
    for path in (ROOT / "workflow" / "config").glob("*.yaml"):
        config = load(path)
        for suite in config.suites:
            memory, minutes = asked(config, "train", **(TRAIN | {"suite": suite}))
            assert memory > 0
            assert minutes > 0


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "rules").glob("*.smk")), ids=str)
def test_every_rule_that_runs_a_command_asks_for_memory_and_time(path):
    text = path.read_text()
    commands = len(re.findall(r"^ *shell:", text, re.MULTILINE))
    assert len(re.findall(r"\brequest\(settings", text)) == commands
    assert "conda:" not in text, "there is no environment file; the container is the Snakefile's"
