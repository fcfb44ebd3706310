"""Calls commands in this process, on results that a test may damage."""

import shutil
import sys
from pathlib import Path

import pytest

from cds_bench import cli
from cds_bench.config import Config
from tests.cli.trees import tree


@pytest.fixture
def call(monkeypatch, capfd):
    """`call("train", ...)` runs the command here: (exit status, standard output, error output)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cds-bench", *arguments])
        capfd.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            if isinstance(end.code, str):  # as the interpreter does when nothing catches it
                print(end.code, file=sys.stderr)
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def copy(trained, tmp_path):
    """The configuration of a trained profile in its own folder, which a test may damage."""
    shutil.copytree(trained.results, tmp_path / "results")
    return trained.model_copy(update={"results": str(tmp_path / "results")})


@pytest.fixture
def refused(call):
    """Calls a command that must fail with one plain message and write nothing.

    Returns the message.
    """

    def run(config: Config, name: str, *options: str) -> str:
        before = tree(Path(config.results))
        status, output, errors = call(name, *options, "--config", config.model_dump_json())
        assert status == 1
        assert not output
        assert errors.startswith("error: ")
        assert "Traceback" not in errors
        assert errors.count("\n") == 1
        assert tree(Path(config.results)) == before
        return errors.removeprefix("error: ").strip()

    return run
