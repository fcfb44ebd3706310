"""The tables and figures of the report page, with their order, numbers and captions."""

import base64
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from cds_bench.config import Config
from cds_bench.report import table_formats, targets
from cds_bench.report.product import Product
from cds_bench.report.table_formats import Table
from cds_bench.storage import paths

TABLE, FIGURE = "table", "figure"


@dataclass(frozen=True)
class Item:
    """One table or figure.

    content: a table's markup or an image's address. It is empty if the file is missing.
    """

    kind: str
    number: int  # tables and figures are counted separately, in the page's order
    suite: str  # "" if it is about all suites
    product: Product
    title: str
    path: Path
    content: Markup | str

    @property
    def anchor(self) -> str:
        return f"{self.kind}-{self.path.stem}"


def items(config: Config) -> list[Item]:
    """All items of a profile in the page's order: results of suites, overall results, data."""

    def place(listed: tuple[Product, str]) -> int:
        product, suite = listed
        return 2 if product.data else 0 if suite else 1

    found = sorted(targets.listed(config), key=place)
    drawn = [(*each, name) for each in found if each[0].figure for name in each[0].names(config)]
    written = [each for each in found if "json" in each[0].table]
    return [
        *(_table(config, number, *each) for number, each in enumerate(written, start=1)),
        *(_figure(config, number, *each) for number, each in enumerate(drawn, start=1)),
    ]


def _table(config: Config, number: int, product: Product, suite: str) -> Item:
    path = paths.table(config, product.name, "html", suite)
    title, content = f"{suite} {_words(product.name)}".strip(), Markup("")
    if record := _record(path.with_suffix(".json")):
        title, content = record.title, Markup(table_formats.content(record))
    return Item(TABLE, number, suite, product, title, path, content)


def _record(path: Path) -> Table | None:
    """A table that `table_formats.dump` wrote, or None if the file is missing or damaged."""
    try:
        return table_formats.load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _figure(config: Config, number: int, product: Product, suite: str, name: str) -> Item:
    path = paths.figure(config, name, "svg", suite)
    algorithm = name.removesuffix(f"_{product.name}") if product.each_algorithm else ""
    title = ", ".join(filter(None, (_words(product.name), algorithm, suite)))
    content = address(path.read_bytes()) if path.is_file() else ""
    return Item(FIGURE, number, suite, product, title, path, content)


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def address(image: bytes) -> str:
    """An SVG image as a data address, so that its element names cannot clash with another's."""
    return f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}"
