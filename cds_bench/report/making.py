"""Makes the products of a target and writes their files."""

import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cds_bench.config import Config
from cds_bench.report import plotting, targets
from cds_bench.report.captions import provenance
from cds_bench.report.product import Product
from cds_bench.report.table_formats import Table, dump, html, latex, markdown
from cds_bench.storage import files, paths

FORMATS = {".md": markdown, ".tex": latex, ".html": html, ".json": dump}


@dataclass(frozen=True)
class Made:
    """What a maker returns: numbers (csv), their table (md, tex, html) and a figure."""

    frame: pd.DataFrame | None = None
    table: Table | None = None
    figure: Figure | None = None


def make(config: Config, target: str, suite: str = "") -> list[Table]:
    """Writes every file of a target's products and returns their tables."""
    found = targets.of_target(config, target, suite)
    made = [each for product in found for each in write(config, product, suite)]
    return [each.table for each in made if each.table]


def write(config: Config, product: Product, suite: str = "") -> list[Made]:
    """Writes a product's files atomically. Figures have the same bytes for the same data."""
    maker = getattr(importlib.import_module(product.module), product.function)
    scope = (config, suite) if suite else (config,)
    calls = [(*scope, name) for name in config.algorithms] if product.each_algorithm else [scope]
    results = []
    for name, arguments in zip(product.names(config), calls, strict=True):
        with plotting.style():
            made = maker(*arguments)
            if product.figure:
                place = partial(paths.figure, config, name, suite=suite)
                plotting.save_as(made.figure, place, _described(config, product))
        for extension in product.table:
            _write_table(made, paths.table(config, name, extension, suite))
        results.append(made)
    return results


def _described(config: Config, product: Product) -> str:
    """The metadata of a figure. Products of the data alone do not depend on the protocol."""
    return provenance(config) if "protocol" in product.keys else f"Profile {config.profile}."


def _write_table(made: Made, path: Path) -> None:
    if path.suffix == ".csv":
        files.write_csv(path, made.frame)
    else:
        files.write_text(path, FORMATS[path.suffix](made.table))
