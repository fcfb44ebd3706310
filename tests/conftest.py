"""Shared fixtures: a configuration whose behaviour policies are small random networks."""

import contextlib
import os
import shutil
import signal
import subprocess

import numpy as np
import pytest
import torch

from cds_bench.behaviour.policy import GaussianPolicy, save_snapshots
from cds_bench.behaviour.references import write_references
from cds_bench.config import parse, plugins
from cds_bench.dataset.collect import collect
from cds_bench.dataset.manifest import write_manifest
from cds_bench.storage import paths
from cds_bench.storage.files import sha256, write_json
from tests.projects import PATIENT, ROOT, Project

# mujoco reads it when it is imported; without a display its own choice would need one
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")

# Two tests run at a time; with more threads than cores they would wait for each other.
torch.set_num_threads(1)

# Seeds of random networks whose return lies above the uniform policy's, as an expert's must.
EXPERT_SEEDS = {"run-forward": 30, "run-backward": 7, "jump": 14}
STEPS = [0, 100, 200, 300]
MEAN_RETURNS = [0.0, 15.0, 40.0, 90.0]  # the third is medium, the fourth expert
SIZES = {"run-forward": 300, "run-backward": 250, "jump": 200}
ANY_QUALITY = dict.fromkeys(("random", "medium-replay", "medium", "expert"), (-1e3, 1e3))


def pytest_collection_modifyitems(items):
    """The workflow's tests come first: they take longest, and a worker takes a whole file."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session")
def draws():
    """Skips the tests of pictures on a machine that can't draw any."""
    import mujoco

    try:
        mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8).close()
    except Exception as error:
        pytest.skip(f"no pictures here with MUJOCO_GL={os.environ.get('MUJOCO_GL')}: {error}")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The plug-ins and one strategy more, `stand_in`, which says that it is a reference."""
    root = tmp_path / "plugins"
    for kind in ("algorithms", "sharing"):
        shutil.copytree(plugins.ROOT / kind, root / kind)
    text = "REFERENCE = True\n\n\nclass Config:\n    share: float = 1.0\n"
    (root / "sharing" / "stand_in.py").write_text(text)
    monkeypatch.setattr(plugins, "ROOT", root)
    return "stand_in"


@pytest.fixture(scope="session")
def random_policy():
    """A policy with random weights, Walker2d's unless sizes are given: `random_policy(seed)`."""

    def make(seed: int, inputs: int = 17, actions: int = 6) -> GaussianPolicy:
        rng = np.random.default_rng(seed)
        shapes = ((inputs, 8), (8,), (8, 8), (8,), (8, actions), (actions,))
        weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        noise = np.full(actions, -1.5, np.float32)
        mean, scale = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
        return GaussianPolicy(mean, scale, *weights, noise)

    return make


@pytest.fixture(scope="session")
def make_config(random_policy):
    """`make_config(folder, **values)`: policies and provenance in place, nothing collected."""

    def make(folder, **values):
        defaults = {
            "results": str(folder),
            "behaviour": "train",
            "suites": {"walker2d-mixed": {"sizes": SIZES}},
            "datasets": {"reference_episodes": 3, "bands": ANY_QUALITY},
        }
        config = parse(defaults | values, "test")
        for task, best in EXPERT_SEEDS.items():
            path = paths.behaviour(config, task)
            save_snapshots(path, STEPS, [random_policy(seed) for seed in (1, 2, 3, best)])
            write_json(
                paths.behaviour_provenance(config, task),
                {"task": task, "mean_return": MEAN_RETURNS, "sha256": sha256(path)},
            )
        return config

    return make


@pytest.fixture(scope="session")
def collected(make_config, tmp_path_factory):
    """The configuration of a collected `walker2d-mixed` with its manifest; read, never change."""
    config = make_config(tmp_path_factory.mktemp("collected"))
    for task in config.tasks():
        write_references(config, task)
        collect(config, "walker2d-mixed", task)
    write_manifest(config, "walker2d-mixed")
    return config


@pytest.fixture(scope="session")
def trained(make_config, collected, tmp_path_factory):
    """A tiny profile with data, pool and two trained runs of seeds 0-1; read, never change."""
    from cds_bench.dataset.relabel import build_pool
    from cds_bench.training.run import run

    folder = tmp_path_factory.mktemp("trained")
    config = make_config(
        folder,
        algorithms={"cql": {"actions": 2, "cloning_steps": 5}},
        sharing={"no_sharing": {}, "cds": {}},
        seeds=2,
        seeds_per_job=2,
        training={
            "steps": 20,
            "batch_size": 32,
            "hidden": [32, 32],
            "layer_norm": True,
            "log_points": 2,
            "shift_steps": 5,
            "device": "cpu",
        },
        protocol={
            "curve_snapshots": 1,
            "final_snapshots": 2,
            "curve_episodes": 1,
            "final_episodes": 2,
            "resamples": 200,
        },
    )
    for name in ("references", "datasets"):
        shutil.copytree(collected.folder / name, config.folder / name)
    build_pool(config, "walker2d-mixed")
    for sharing in config.sharing:
        run(config, "walker2d-mixed", "cql", sharing, "0-1")
    return config


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What git would hand over, and one strategy more."""
    folder = tmp_path_factory.mktemp("project")
    listing = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "cds_bench" / "sharing" / "patient.py").write_text(PATIENT)
    return Project(folder)


@pytest.fixture(scope="module")
def finished(project):
    """The project after one complete run of the tiny profile."""
    status, output = project.run("--cores", "2", "--configfile", project.profile())
    assert status == 0, output
    return project


@pytest.fixture
def start(finished):
    """`start(...)` is Project.start. Processes that still run when the test ends are killed."""
    groups = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen:
        process = finished.start(*arguments, **environment)
        groups.append(process.pid)
        return process

    yield run
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


@pytest.fixture
def edit(finished):
    """`edit(file, old, new)`: changes a file of the copy until the test ends."""
    before = {}

    def change(name: str, old: str, new: str):
        path = finished.folder / name
        text = path.read_text()
        assert text.count(old) == 1
        before.setdefault(path, text)
        path.write_text(text.replace(old, new))

    yield change
    for path, text in before.items():
        path.write_text(text)
