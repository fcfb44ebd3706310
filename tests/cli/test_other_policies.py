"""Evaluation rolls out the policies that this run's training wrote, and no others."""

import shutil

from cds_bench.storage import paths
from tests.cli.test_damage import JOB, MIXED


def test_the_policies_of_another_strategy(copy, refused):
    folder, other = (
        paths.run(copy, MIXED, "cql", sharing, "0-1") for sharing in ("cds", "no_sharing")
    )
    shutil.copy(other / "policies.safetensors", folder)
    message = refused(copy, "evaluate", *JOB)
    assert message.startswith(f"{folder / 'policies.safetensors'}: SHA-256 is ")
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    message = refused(copy, "evaluate", *JOB)
    assert message.startswith(
        f"{folder / 'run.json'}: is of walker2d-mixed / cql / no_sharing / 0-1 and not of "
        "walker2d-mixed / cql / cds / 0-1; delete"
    )


def test_policies_with_a_flipped_bit(copy, refused):
    path = paths.run(copy, MIXED, "cql", "cds", "0-1") / "policies.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    assert refused(copy, "evaluate", *JOB).startswith(f"{path}: SHA-256 is ")


def test_a_page_of_nothing(call, copy):
    empty = copy.model_copy(update={"profile": "nothing"})
    status, _, errors = call("report", "--config", empty.model_dump_json())
    assert status == 1
    assert "there are no results of the profile 'nothing'; run the workflow first" in errors
    assert not empty.folder.exists()
