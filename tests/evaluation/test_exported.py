"""Exported policies of an external baseline: they are evaluated like our own, or refused."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from cds_bench.errors import BenchError
from cds_bench.evaluation.external import evaluate_policies
from cds_bench.statistics import schema
from cds_bench.storage import paths


@pytest.fixture
def exported(trained, tmp_path):
    """Our own run of a tiny profile as an external baseline would export it."""
    from safetensors import safe_open

    run = paths.run(trained, "walker2d-mixed", "cql", "no_sharing", "0-1")
    source = run / "policies.safetensors"
    with safe_open(source, framework="numpy") as file:
        tasks = json.loads(file.metadata()["run"])["tasks"]
    tensors = {name: x for name, x in load_file(source).items() if "critic" not in name}
    for name in [name for name in tensors if name.startswith("b")]:
        width = tensors[f"w{name[1:]}"].shape[-1]
        tensors[name] = np.ascontiguousarray(tensors[name][..., :width])

    def write(change=lambda tensors, run: None) -> Path:
        run, changed = {"suite": "walker2d-mixed", "tasks": tasks}, dict(tensors)
        change(changed, run)
        save_file(changed, tmp_path / "policies.safetensors", {"run": json.dumps(run)})
        return tmp_path / "policies.safetensors"

    return write


@pytest.fixture
def asked(trained, tmp_path):
    """The tiny profile with a baseline, in another results folder that has the references."""
    made = trained.model_copy(update={"results": str(tmp_path), "baselines": {"d3rlpy_cql": {}}})
    shutil.copytree(trained.folder / "references", made.folder / "references")
    return made


def test_exported_policies_score_like_our_own(trained, asked, exported):
    from cds_bench.evaluation.evaluate import evaluate

    key = ("walker2d-mixed", "cql", "no_sharing", "0-1")
    evaluate(trained, *key)
    evaluate_policies(asked, "d3rlpy_cql", "walker2d-mixed", "no_sharing", [exported()])
    ours = schema.read_scores(paths.run_scores(trained, *key))
    theirs = schema.check_baseline(asked, "d3rlpy_cql", "walker2d-mixed")
    pd.testing.assert_frame_equal(theirs.assign(algorithm="cql"), ours)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t, run: run.update(suite="walker"),
            "are of the suite 'walker', not 'walker2d-mixed'",
        ),
        (lambda t, run: run.update(tasks=["jmp"]), "unknown task 'jmp'; did you mean 'jump'?"),
        (lambda t, run: run.update(tasks=["jump"]), "'observation_mean' has shape (3, 17), expect"),
        (lambda t, run: t.pop("b1"), "'b1' is missing"),
        (lambda t, run: t.update(w0=t["w0"][:, :, 1:].copy()), "'w0' has shape (3, 2, 19, 32), ex"),
        (lambda t, run: t.update(b0=t["b0"] * np.nan), "'b0' has values that are not finite"),
        (
            lambda t, run: t.update(seeds=np.array([1, 1])),
            "seeds are [1, 1]; expected at least one",
        ),
        (lambda t, run: t.update(steps=np.array([9, 0, 20])), "expected them in ascending order"),
        (
            lambda t, run: t.update(observation_scale=0 * t["observation_scale"]),
            "'observation_scale' has values that are not positive",
        ),
    ],
)
def test_invalid_policies_are_refused(asked, exported, change, message):
    path = exported(change)
    with pytest.raises(BenchError, match=re.escape(message)) as error:
        evaluate_policies(asked, "d3rlpy_cql", "walker2d-mixed", "no_sharing", [path])
    assert str(error.value).startswith(str(path))
