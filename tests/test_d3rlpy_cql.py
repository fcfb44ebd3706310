"""The baseline d3rlpy_cql in its own environment, if that exists: its data and its policies."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cds_bench import baselines, config
from cds_bench.dataset import hdf5
from cds_bench.evaluation.policy import load_policies
from cds_bench.storage import paths

FOLDER = Path(__file__).parents[1] / "workflow" / "baselines" / "d3rlpy_cql"
PYTHON = FOLDER / ".venv" / "bin" / "python"
SUITE, TASK = "pointmaze-medium-single", "pointmaze-medium-20-4"
# Records d3rlpy's view of the data and the actions of its policy, with d3rlpy's own functions.
PROBE = """
import json, sys
import d3rlpy, numpy as np
import train

actions, kept = [], {}
def layers(algorithm, exported=train.layers):
    rng = np.random.default_rng(0)
    actions.append(algorithm.predict(rng.standard_normal((50, 4)).astype(np.float32)))
    return exported(algorithm)
def episodes(*arguments, made=train.episodes):
    found = made(*arguments)
    picker = d3rlpy.dataset.BasicTransitionPicker()
    rows = [picker(episode, k) for episode in found for k in range(episode.transition_count)]
    ended = [row.terminal for row in rows]
    after = [row.next_observation for row in rows]
    kept.update(terminal=ended, following=after, reward=[row.reward for row in rows])
    return found
train.layers, train.episodes = layers, episodes
train.main()
np.savez("probe.npz", actions=actions, **kept)
"""

# If `CI` is set, a missing environment is a failure, because .ci/run makes it.
pytestmark = pytest.mark.skipif(
    not PYTHON.exists() and not os.environ.get("CI"),
    reason=f"its environment does not exist; {FOLDER.name}/environment.sh makes it",
)


@pytest.fixture
def data():
    """Two episodes: 30 rows to a timeout, 20 to a terminal."""
    rng = np.random.default_rng(1)
    path = np.cumsum(rng.standard_normal((52, 4)), axis=0).astype(np.float32)
    rows = np.r_[0:30, 31:51]
    ends = np.isin(np.arange(50), (29, 49))
    return {
        "observations": path[rows],
        "next_observations": path[rows + 1],
        "actions": rng.uniform(-1, 1, (50, 2)).astype(np.float32),
        "rewards": rng.uniform(size=50),
        "terminals": ends & (np.arange(50) == 49),
        "timeouts": ends & (np.arange(50) == 29),
    }


def settings(folder: Path, training=None, **options) -> config.Config:
    cql = {"actions": 2, "backup_actions": 2, "lagrange_gap": 0.8, "reward_scale": 10.0}
    values = {
        "results": str(folder),
        "suites": {SUITE: {}},
        "algorithms": {"cql": cql | options},
        "training": {"steps": 20, "batch_size": 32, "hidden": [32, 32], "device": "cpu"}
        | (training or {}),
        "protocol": {"curve_snapshots": 1, "final_snapshots": 2},
    }
    return config.parse(values, "test")


def train(made: config.Config, folder: Path) -> subprocess.CompletedProcess:
    job = json.dumps(baselines.training_job(made, SUITE))
    command = [PYTHON, "-c", PROBE, "--job", job, "--task", TASK, "--seed", "3"]
    return subprocess.run(
        [*command, "--output", "policies.safetensors"],
        cwd=folder,
        env={"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
    )


def test_it_learns_from_every_transition_and_exports_what_it_does(data, tmp_path):
    made = settings(tmp_path)
    hdf5.write(paths.dataset(made, SUITE, TASK), data, {})
    result = train(made, tmp_path)
    assert result.returncode == 0, result.stderr
    policies = load_policies(tmp_path / "policies.safetensors")
    probe = np.load(tmp_path / "probe.npz")
    assert (policies.suite, policies.tasks, policies.seeds) == (SUITE, [TASK], [3])
    assert policies.steps == [0, 18, 20]
    mean = data["observations"].mean(0)
    np.testing.assert_allclose(policies.mean[0], mean, rtol=1e-4, atol=1e-5)

    np.testing.assert_array_equal(probe["terminal"], data["terminals"])
    np.testing.assert_allclose(probe["reward"][:, 0], 10 * data["rewards"], rtol=1e-6)
    following = (data["next_observations"] - policies.mean) / policies.scale
    goes_on = ~data["terminals"]
    np.testing.assert_allclose(probe["following"][goes_on], following[goes_on], atol=1e-5)

    seen = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    observations = (seen * policies.scale + policies.mean)[None]
    for snapshot, actions in enumerate(probe["actions"]):
        found = policies.act(snapshot, 0, observations)[0]
        np.testing.assert_allclose(found, actions, atol=1e-5)
    assert np.abs(probe["actions"][2] - probe["actions"][0]).max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cloning_steps": 5}, "algorithms.cql.cloning_steps: d3rlpy's CQL does not support 5"),
        ({"policy_improvement": "regression"}, "support 'regression' here; use 'gradient'"),
        ({"training": {"layer_norm": True}}, "training.layer_norm: d3rlpy's CQL does not support"),
        ({"training": {"learning_rate_decay": "cosine"}}, "'cosine' here; use 'none'"),
    ],
)
def test_unsupported_options_are_refused(data, tmp_path, changes, message):
    made = settings(tmp_path, **changes)
    hdf5.write(paths.dataset(made, SUITE, TASK), data, {})
    result = train(made, tmp_path)
    assert result.returncode == 1
    assert message in result.stderr
    assert not (tmp_path / "policies.safetensors").exists()
