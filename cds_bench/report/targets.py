"""Targets, which make products: their rules, inputs, outputs, settings and code."""

import hashlib
from collections.abc import Iterable

from cds_bench import jobs
from cds_bench.config import Config, part
from cds_bench.errors import BenchError, nearest
from cds_bench.report import products
from cds_bench.report.product import PROFILE, SUITE, Product
from cds_bench.storage import paths
from cds_bench.storage.fingerprint import ROOT, fingerprint


def targets(config: Config) -> list[tuple[str, str]]:
    """Every target and its suite, or "" for a target of the whole profile, suite by suite."""
    return list(dict.fromkeys((product.target, suite) for product, suite in listed(config)))


def listed(config: Config) -> list[tuple[Product, str]]:
    """All products of a profile with their suites: suite by suite, then those of the profile."""
    of_suites = [
        (p, suite) for suite in config.suites for p in products.PRODUCTS if p.scope == SUITE
    ]
    both = [*of_suites, *((p, "") for p in products.PRODUCTS if p.scope == PROFILE)]
    return [(product, suite) for product, suite in both if product.applies(config, suite)]


def of_target(config: Config, target: str, suite: str) -> list[Product]:
    """The products of a target. Raises BenchError with the reason if there are none."""
    found = [product for product in products.PRODUCTS if product.target == target]
    if not found:
        valid = dict.fromkeys(product.target for product in products.PRODUCTS)
        raise BenchError(f"unknown target '{target}'{nearest(target, valid)}")
    if (found[0].scope == SUITE) != bool(suite):
        what = "is made per suite; add --suite" if not suite else "covers all suites; omit --suite"
        raise BenchError(f"{target}: {what}")
    there = [product for product in found if product.applies(config, suite)]
    if not there:
        raise BenchError(f"{target}: needs {found[0].needs}")
    return there


def rule(target: str, suite: str) -> str:
    """The name of a target's rule: table_walker2d_mixed, table_ranks."""
    return "_".join(filter(None, (target, paths.suite_id(suite))))


def inputs(config: Config, target: str, suite: str) -> list[str]:
    """The files that a target's products read."""
    found = (product.inputs(config, suite) for product in of_target(config, target, suite))
    return _once(path for files in found for path in files)


def outputs(config: Config, target: str, suite: str) -> list[str]:
    """The files that a target's products write."""
    return [
        str(path)
        for product in of_target(config, target, suite)
        for path in product.files(config, suite)
    ]


def configuration(config: Config, target: str, suite: str) -> str:
    """The part of the configuration that a target's products read, as JSON."""
    own = config.of(suite) if suite else config
    names = {"suite": suite, "learner": next(iter(config.algorithms))}
    keys = (key for product in of_target(config, target, suite) for key in product.keys)
    return part(own, *_once(key.format(**names) for key in keys))


def code(config: Config, target: str, suite: str) -> str:
    """A fingerprint of the modules that make a target's products.

    If they depend on the learner, its discount is added, whose default is in the algorithm's code.
    """
    found = of_target(config, target, suite)
    worlds = jobs.world(jobs.domain_of(suite))[:1] if suite else ()
    named = [product.module for product in found]
    named += worlds if any(product.reads_world for product in found) else ()
    learns = any("algorithms.{learner}" in product.keys for product in found)
    discount = f", discount {jobs.discount(config, suite)}" if learns else ""
    return fingerprint("cds_bench.report.making", *_once(named)) + discount


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def tables(config: Config) -> list[str]:
    """Every table in every format."""
    return [
        str(path) for product, suite in listed(config) for path in product.tables(config, suite)
    ]


def figures(config: Config) -> list[str]:
    """Every figure in every format."""
    return [
        str(path) for product, suite in listed(config) for path in product.figures(config, suite)
    ]


def page_code() -> str:
    """A hash of the code of the report page: its modules, its templates and the captions."""
    digest = hashlib.sha256(fingerprint("cds_bench.report.page").encode())
    for name in ("page.html.jinja", "page.css"):
        digest.update((ROOT / "cds_bench" / "report" / name).read_bytes())
    for product in products.PRODUCTS:
        digest.update(product.caption.encode())
    return digest.hexdigest()[:16]
