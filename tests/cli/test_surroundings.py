"""What commands do about a locale without their characters, and about SIGTERM."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.projects import wait_for

PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
COMMAND = (
    "import sys; from cds_bench import cli; cli.app.command('odd')(lambda: {body}); "
    "sys.argv = ['cds-bench', 'odd']; cli.main()"
)
WAIT = "__import__('tests.cli.test_surroundings', fromlist=['x']).half_written({path!r})"


def half_written(path: str) -> None:
    """Stands still in the middle of writing a file."""
    import time

    from cds_bench.storage.files import atomic

    with atomic(path) as temporary:
        temporary.write_text("half")
        time.sleep(600)


def test_output_in_a_locale_without_its_characters():
    code = COMMAND.format(body="print('2 \\u00d7 3 \\u2212 1')")
    result = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | PLAIN, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (0, "2 \\xd7 3 \\u2212 1\n"), result.stderr


def test_sigterm_leaves_nothing_half_written(tmp_path):
    """It ends with the status that shells give, however often the signal comes."""
    code = COMMAND.format(body=WAIT.format(path=str(tmp_path / "file.txt")))
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    try:
        wait_for(lambda: any(path.read_text() for path in tmp_path.iterdir()))
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    finally:
        process.kill()
    assert not list(tmp_path.iterdir())
