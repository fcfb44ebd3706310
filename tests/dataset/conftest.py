"""A collected suite of pictures."""

import pytest

import envs
from cds_bench.behaviour.references import write_references
from cds_bench.dataset.collect import collect
from cds_bench.dataset.manifest import write_manifest
from cds_bench.dataset.relabel import build_pool

SUITE = "pick-place"
SIZE = 55  # more than one episode of each task


@pytest.fixture(scope="session")
def seen(make_config, tmp_path_factory):
    """The configuration of a collected `pick-place` with its pool; tests must not change it."""
    config = make_config(
        tmp_path_factory.mktemp("pictures"),
        suites={SUITE: {"sizes": dict.fromkeys(envs.SUITES[SUITE].tasks, SIZE)}},
        datasets={"reference_episodes": 1, "bands": {"noisy": (0.0, 1.0)}},
    )
    for task in config.tasks():
        write_references(config, task)
        collect(config, SUITE, task)
    write_manifest(config, SUITE)
    build_pool(config, SUITE)
    return config
