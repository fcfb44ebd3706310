"""Atomic writes: a file that exists is complete, whatever happens while it is written."""

import errno
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cds_bench.errors import BenchError
from cds_bench.storage import files
from cds_bench.storage.files import atomic, read_json, sha256, write_csv, write_json, write_text


@pytest.fixture
def old(tmp_path):
    """A file that is there before."""
    path = tmp_path / "data.json"
    path.write_text("old")
    return path


def unchanged(path) -> bool:
    return path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_success_replaces(old):
    with atomic(old) as temporary:
        assert temporary.suffix == ".json"
        temporary.write_text("new")
        assert old.read_text() == "old", "nothing is visible before the end"
    assert old.read_text() == "new"
    assert list(old.parent.iterdir()) == [old]
    assert old.stat().st_mode & 0o777 == 0o644


def test_the_umask_is_respected(tmp_path):
    code = (
        "import os, sys; os.umask(0o077); from cds_bench.storage.files import write_text; "
        "write_text(sys.argv[1], 'x')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "private")], check=True)
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_files_are_utf_8_in_every_locale(tmp_path):
    code = (
        "import sys; from cds_bench.storage import files; "
        "files.write_text(sys.argv[1], chr(215)); files.write_json(sys.argv[2], 1); "
        "assert files.read_json(sys.argv[2]) == 1"
    )
    plain = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    arguments = [sys.executable, "-c", code, str(tmp_path / "text"), str(tmp_path / "number")]
    subprocess.run(arguments, env=os.environ | plain, check=True)
    assert (tmp_path / "text").read_bytes() == "×".encode()


def test_what_is_no_readable_file_is_said_plainly(tmp_path):
    loop, latin, deep = (tmp_path / name for name in ("loop", "latin", "deep"))
    loop.symlink_to(loop)
    latin.write_bytes(b'"\xff"')
    deep.write_text("[" * 100_000)
    for path, message in (
        (tmp_path, "not readable"),
        (loop, "not readable"),
        (latin, "not valid JSON"),
        (deep, "not valid JSON"),
    ):
        with pytest.raises(BenchError, match=message) as error:
            read_json(path)
        assert str(error.value).startswith(f"{path}: ")
    with pytest.raises(BenchError, match="not readable"):
        sha256(tmp_path)


def test_folders_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "new")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_inside_leaves_the_old_file(old, error):
    def write_half():
        with atomic(old) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert unchanged(old)


def fail(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_named_and_leaves_the_old_file(old, monkeypatch, call):
    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(BenchError, match=r"data\.json: not written \(No space left on device\)"):
        write_text(old, "new")
    assert unchanged(old)


def test_a_real_limit_is_reported_plainly(old):
    """The system's own refusal, at a file size that the process may not exceed."""
    code = (
        "import resource, sys; from cds_bench.storage.files import write_text; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "write_text(sys.argv[1], 'x' * 5000)"
    )
    command = [sys.executable, "-c", code, str(old)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"BenchError: {old}: not written (File too large)" in result.stderr
    assert unchanged(old)


def test_a_folder_that_cannot_be_made_is_named(old):
    with pytest.raises(BenchError, match=r"data\.json/below\.txt: cannot be written"):
        write_text(old / "below.txt", "new")
    assert unchanged(old)


def test_csv_is_stable(tmp_path):
    """Nine digits: float32 survives, and noise in the last bits of float64 does not show."""
    singles = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    table = pd.DataFrame({"name": "a,b", "value": singles})
    write_csv(tmp_path / "a.csv", table)
    write_csv(tmp_path / "b.csv", table.assign(value=table.value.astype(float) * (1 + 1e-15)))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "a.csv").value.astype(np.float32), singles)


def test_json_does_not_depend_on_the_order_of_keys(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None]})
    write_json(tmp_path / "b.json", {"a": [1.5, None], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json") == {"a": [1.5, None], "b": 1}


def test_json_that_cannot_be_read_is_named(old):
    with pytest.raises(BenchError, match=r"data\.json: not valid JSON .*delete it to have it made"):
        read_json(old)
    with pytest.raises(BenchError, match=r"none\.json: no such file; run the stage"):
        read_json(old.parent / "none.json")


def test_sha256_is_the_standard_one(tmp_path):
    (tmp_path / "abc").write_text("abc")  # the example of FIPS 180
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == expected
