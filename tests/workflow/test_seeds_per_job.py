"""`seeds_per_job: auto` in the workflow: one number for all processes of a results folder."""

import json

from tests.projects import TINY


def test_the_workflow_keeps_the_number_that_it_has_chosen(project):
    values = {key: value for key, value in TINY.items() if key != "seeds_per_job"}
    profile = project.folder / "auto.yaml"
    profile.write_text(json.dumps(values | {"profile": "auto", "seeds": 8}))  # JSON is YAML
    arguments = ("--configfile", str(profile))
    methods = len(TINY["sharing"])
    results = project.folder / "results" / "auto"
    kept = results / "seeds_per_job.json"

    assert project.planned(*arguments)["train"] == 2 * methods, "stacks of four on a CPU"
    assert not results.exists(), "a plan leaves nothing behind"

    target = "results/auto/references/jump.json"
    status, output = project.run("--cores", "1", target, *arguments)
    assert status == 0, output
    assert "seeds_per_job: 4 (training.device is 'cpu'" in output
    assert json.loads(kept.read_text())["seeds_per_job"] == 4
    configuration = "results/auto/config.json"
    status, output = project.run("--cores", "1", configuration, *arguments)
    assert status == 0, output
    assert "seeds_per_job:" not in output, "it is said once"
    assert json.loads((project.folder / configuration).read_text())["seeds_per_job"] == 4

    kept.write_text(json.dumps({"seeds_per_job": 8, "reason": "a GPU that is not here"}))
    assert project.planned(*arguments)["train"] == methods, "what a GPU node has chosen"
    status, output = project.run("-n", "--config", "seeds_per_job=none", *arguments)
    assert status != 0
    assert "seeds_per_job: Value error, expected 'auto' or a whole number" in output
