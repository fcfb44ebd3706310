"""Archives: the same files give the same bytes, and damage is found."""

import random

import pytest

from cds_bench.errors import BenchError
from cds_bench.packing import archive

KEY = {"suite": "a", "algorithm": "b", "sharing": "c", "seeds": "0-1", "evaluation_code": "x"}
MEMBERS = {"run.json": b"{}", "metrics.csv": b"step\n" * 1000}


@pytest.fixture
def path(tmp_path):
    archive.write(tmp_path / "run.tar.xz", KEY, MEMBERS)
    return tmp_path / "run.tar.xz"


def test_what_is_written_is_read(path):
    found = archive.read(path)
    assert found.members == MEMBERS
    assert found.manifest.key == ("a", "b", "c", "0-1")


def test_the_same_members_give_the_same_bytes(path, tmp_path):
    archive.write(tmp_path / "again.tar.xz", KEY, MEMBERS)
    assert (tmp_path / "again.tar.xz").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("seed", range(30))
def test_a_flipped_bit_is_found(path, seed):
    """Nowhere may a changed archive be taken for the one that was written."""
    content = bytearray(path.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 1 << seed % 8
    path.write_bytes(content)
    with pytest.raises(BenchError, match=r"run\.tar\.xz: "):
        archive.read(path)


@pytest.mark.parametrize("length", [0, 10, 100])
def test_a_cut_off_archive_is_refused(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BenchError, match="not readable as a packed run"):
        archive.read(path)


def test_a_file_of_another_kind_is_named(path):
    archive.write(path, {"suite": "a"}, MEMBERS)
    with pytest.raises(BenchError, match=r"manifest\.json: algorithm: .*; pack it again"):
        archive.read(path)
