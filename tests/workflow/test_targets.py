"""The workflow's targets, error messages and style, on a copy of the project."""

import subprocess

import pytest

from tests.projects import FIGURES, TABLE, TINY


def test_without_a_profile_it_is_the_default(project):
    plan = project.planned()
    assert plan == project.planned("--configfile", "workflow/config/default.yaml")
    assert plan["train"] == 3 * (8 + 1), "CQL with eight strategies, and cloning"


@pytest.mark.parametrize(
    ("target", "there", "left_out"),
    [
        (TABLE, TABLE, {FIGURES, "statistics", "report"}),
        ("tables", TABLE, {FIGURES, "report"}),
        ("figures", FIGURES, {TABLE, "report"}),
        ("report", "report", {"all"}),
    ],
)
def test_named_targets(project, target, there, left_out):
    plan = project.planned(target)
    assert plan[there] == 1
    assert not left_out & plan.keys()


def test_a_restricted_algorithm_is_trained_with_its_own_strategies(project):
    algorithms = TINY["algorithms"] | {"bc": {"sharing": ["no_sharing"]}}
    changes = {"profile": "restricted", "algorithms": algorithms, "seeds": 4}
    plan = project.planned("--configfile", project.profile(**changes))
    assert plan["train"] == plan["evaluate"] == 2 * (len(TINY["sharing"]) + 1)


def test_behaviour_policies_can_be_trained(project):
    plan = project.planned("--configfile", project.profile(profile="trained", behaviour="train"))
    assert plan["behaviour"] == plan["references"] == 3


@pytest.mark.parametrize("command", [["snakemake", "--lint"], ["snakefmt", "--check", "."]])
def test_workflow_style(project, command):
    result = subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("sed=4", "configuration: unknown key 'sed'; did you mean 'seeds'?"),
        ("seeds=-1", "configuration: seeds: Input should be greater than 0 (got -1)"),
        ("training={stepz: 3}", "training: unknown key 'stepz'; did you mean 'steps'?"),
        ("sharing={cdss: {}}", "sharing: unknown name 'cdss'; did you mean 'cds'? (valid: cds,"),
    ],
)
def test_mistakes_end_in_a_plain_message(project, settings, message):
    status, output = project.run("-n", "--config", settings)
    assert status != 0
    assert message in output
    assert "Traceback" not in output
    assert len(output.splitlines()) < 8
