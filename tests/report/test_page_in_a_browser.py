"""The report page in a browser: it fits narrow windows and needs no network."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from cds_bench.report import targets
from cds_bench.report.page import page
from tests.report.pages import complete

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def config(tmp_path_factory, collected):
    """Results that tests only read."""
    return complete(tmp_path_factory.mktemp("results"), collected)


# Shows the page in two frames, as wide as a window and a telephone, and reports what was drawn.
FRAMES = """<!DOCTYPE html>
<iframe src="report.html" width="1280" height="900"></iframe>
<iframe src="report.html" width="400" height="800"></iframe>
<pre></pre>
<script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement;
    return {
      title: page.title,
      images: [...page.images].map(image => [image.alt, image.complete && image.naturalWidth]),
      figures: [...page.querySelectorAll("figure.figure[id]")].map(figure => figure.id),
      tables: Object.fromEntries([...page.querySelectorAll("figure.table")].map(figure =>
        [figure.id, figure.querySelectorAll("tbody tr").length])),
      resources: frame.contentWindow.performance.getEntriesByType("resource").length,
      tooWide: root.scrollWidth - root.clientWidth,
    };
  });
  document.querySelector("pre").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.fixture(scope="session")
def browser():
    """Chromium's command. Without it the test is skipped, or fails on a CI machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"none of {', '.join(BROWSERS)} is installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def test_in_a_browser(config, browser, tmp_path):
    """The console has no error, nothing is fetched, and all figures and table rows are shown."""
    (tmp_path / "report.html").write_text(page(config))
    (tmp_path / "frames.html").write_text(FRAMES)
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr", "--v=0",
        "--allow-file-access-from-files", "--disable-web-security",  # the script reads the frames
        "--dump-dom", (tmp_path / "frames.html").as_uri(),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "CONSOLE" not in result.stderr, result.stderr
    for seen in json.loads(unescape(re.search("<pre>(.*)</pre>", result.stdout, re.DOTALL)[1])):
        assert seen["title"] == "cds-bench: synthetic"
        assert seen["resources"] == 0
        assert seen["tooWide"] == 0
        drawn = {Path(path).stem for path in targets.figures(config)}
        assert sorted(seen["figures"]) == sorted(f"figure-{stem}" for stem in drawn)
        assert len(seen["images"]) == len(drawn) + 2, "and a picture per method"
        assert all(width > 0 for _, width in seen["images"]), seen["images"]
        made = [Path(path) for path in targets.tables(config) if path.endswith(".html")]
        assert seen["tables"] == {
            f"table-{path.stem}": path.read_text().count("<tr") - path.read_text().count("<thead")
            for path in made
        }
        assert seen["tables"].pop("table-regime") == 1, "one suite and learner"
        assert min(seen["tables"].values()) > 1
