"""The workflow's tables and figures as the report page shows them: in order, grouped, captioned."""

import base64
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import docutils.core
from markupsafe import Markup

from cds_bench import paths, workflow
from cds_bench.config import Config

TABLE, FIGURE = "table", "figure"
DATA = ("coverage", "headroom")  # what stands with the datasets, not with the results


@dataclass(frozen=True)
class Item:
    """One table or figure; `content` is its markup or its image's address, empty if missing."""

    kind: str
    number: int  # counted per kind, in the page's order
    suite: str  # empty: of all suites
    name: str  # its file's name without the suite: "" (a suite's scores), cql_sharing, ...
    title: str
    caption: Markup
    path: Path
    content: Markup | str

    @property
    def anchor(self) -> str:
        return f"{self.kind}-{self.path.stem}"


def items(config: Config) -> list[Item]:
    """Everything that `workflow.tables` and `workflow.figures` list, in the page's order.

    Their order is kept within suites' results, what is about all suites, and the data.
    """

    def shown(path: Path) -> int:
        suite, name = place(config, path.stem)
        return 2 if name in DATA else 0 if suite else 1

    found = [Path(path) for path in workflow.tables(config) if path.endswith(".html")]
    drawn = [Path(path) for path in workflow.figures(config) if path.endswith(".svg")]
    return [
        *(_table(config, path, n) for n, path in enumerate(sorted(found, key=shown), start=1)),
        *(_figure(config, path, n) for n, path in enumerate(sorted(drawn, key=shown), start=1)),
    ]


def _table(config: Config, path: Path, number: int) -> Item:
    suite, name = place(config, path.stem)
    title, content = f"{suite} {_words(name)}".strip(), Markup("")
    if path.exists():
        title, content = inside(path.read_text())
    return Item(TABLE, number, suite, name, title, caption(name), path, content)


def _figure(config: Config, path: Path, number: int) -> Item:
    suite, name = place(config, path.stem)
    algorithm = next((a for a in config.algorithms if name.startswith(f"{a}_")), "")
    title = _words(name.removeprefix(f"{algorithm}_")) + (f", {algorithm}" if algorithm else "")
    title += f", {suite}" if suite else ""
    content = address(path.read_bytes()) if path.exists() else ""
    return Item(FIGURE, number, suite, name, title, caption(name), path, content)


def place(config: Config, stem: str) -> tuple[str, str]:
    """The suite that a file's name begins with ("" if none does), and the rest of the name."""
    for suite in sorted(config.suites, key=len, reverse=True):
        beginning = paths.suite_id(suite)
        if stem == beginning or stem.startswith(f"{beginning}_"):
            return suite, stem[len(beginning) + 1 :]
    return "", stem


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def inside(page: str) -> tuple[str, Markup]:
    """Title and content of a table's page, as `render.html` writes it: escaped already."""
    found = re.search(r"<h1>(.*?)</h1>(.*)</body>", page, re.DOTALL)
    if not found:
        return "", Markup("")
    return Markup(found[1]).unescape(), Markup(found[2].strip())


def address(image: bytes) -> str:
    """An SVG image as a data address: its element names can't clash with another's."""
    return f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}"


@cache
def _captions() -> dict[str, Markup]:
    """The workflow's captions by kind: what Snakemake's own report shows too."""
    settings = {"file_insertion_enabled": False, "raw_enabled": False, "report_level": 5}
    return {
        path.stem: Markup(
            docutils.core.publish_parts(
                path.read_text(), writer="html5", settings_overrides=settings
            )["body"].strip()
        )
        for path in map(Path, workflow.captions())
    }


def caption(name: str) -> Markup:
    """The caption of the longest kind that a name ends with; empty if there is none."""
    name = name or TABLE
    kinds = [kind for kind in _captions() if name == kind or name.endswith(f"_{kind}")]
    return _captions()[max(kinds, key=len)] if kinds else Markup("")
