"""Reference scores: the content of the file, and the errors."""

import numpy as np
import pytest

from cds_bench.behaviour.policy import policy_sha256, save_snapshots
from cds_bench.behaviour.references import write_references
from cds_bench.errors import BenchError
from cds_bench.storage import paths
from cds_bench.storage.files import read_json, sha256, write_json
from cds_bench.storage.reference_scores import REFERENCES, normalised, read_references


def test_references_of_every_quality(collected, random_policy):
    references = read_references(collected, "run-backward")
    assert references["metric"] == "return"
    assert references["behaviour"]["quality"] == "medium"
    assert references["behaviour"]["policy"]["step"] == 200
    assert references["expert"]["policy"] == {
        "policy": "run-backward",
        "step": 300,
        "sha256": policy_sha256(random_policy(7)),
    }
    assert references["expert"]["mean"] > references["random"]["mean"]
    assert {references[name]["episodes"] for name in REFERENCES} == {3}
    assert {"gymnasium", "mujoco", "numpy", "cds-bench"} <= references["versions"].keys()


def test_the_same_bytes_twice(collected, make_config, tmp_path):
    config = make_config(tmp_path)
    write_references(config, "jump")
    first, second = (paths.references(c, "jump").read_bytes() for c in (config, collected))
    assert first == second


def test_normalised_is_0_for_random_and_1_for_expert():
    references = {"metric": "return", "random": {"mean": -10.0}, "expert": {"mean": 30.0}}
    values = normalised(references, np.array([-10.0, 30.0, 10.0]))
    np.testing.assert_allclose(values, [0.0, 1.0, 0.5])
    assert normalised(references | {"metric": "success"}, 0.4) == 0.4


def test_an_expert_below_random_is_refused_and_nothing_written(
    make_config, random_policy, tmp_path
):
    config = make_config(tmp_path)
    path, provenance = (
        paths.behaviour(config, "run-forward"),
        paths.behaviour_provenance(config, "run-forward"),
    )
    save_snapshots(path, [0], [random_policy(7)])  # runs backward
    write_json(provenance, {"mean_return": [1.0], "sha256": sha256(path)})
    with pytest.raises(BenchError, match="not above the random policy's"):
        write_references(config, "run-forward")
    assert not paths.references(config, "run-forward").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "run-forward"}, "not the references of 'jump'"),
        ({"random": {}}, "key 'random.mean' is None"),
        ({"expert": {"mean": float("nan")}}, "key 'expert.mean' is nan"),
        ({"expert": {"mean": -1e9}}, "not above the random"),
    ],
)
def test_unusable_references_are_refused(collected, make_config, tmp_path, change, message):
    config = make_config(tmp_path)
    written = read_json(paths.references(collected, "jump"))
    write_json(paths.references(config, "jump"), written | change)
    with pytest.raises(BenchError, match=message):
        read_references(config, "jump")
