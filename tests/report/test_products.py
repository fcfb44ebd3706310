"""The registry of tables and figures: every entry can be made and is described."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from cds_bench.report.making import Made
from cds_bench.report.product import SUITE
from cds_bench.report.products import PRODUCTS

GUIDE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text()


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.maker)
def test_the_maker_takes_the_arguments_of_its_call(product):
    function = getattr(importlib.import_module(product.module), product.function)
    expected = ["config", "suite"] if product.scope == SUITE else ["config"]
    expected += ["algorithm"] if product.each_algorithm else []
    signature = inspect.signature(function)
    assert list(signature.parameters) == expected
    assert signature.return_annotation is Made


def test_no_two_products_write_the_same_files():
    keys = [(product.scope, product.name) for product in PRODUCTS]
    assert len(set(keys)) == len(keys)


def test_a_target_has_one_scope():
    scopes = {(product.target, product.scope) for product in PRODUCTS}
    assert len(scopes) == len({target for target, _ in scopes})


def test_the_guide_lists_every_target():
    section = re.search(r"## Tables and figures\n(.*)", GUIDE, re.DOTALL)[1]
    for product in PRODUCTS:
        name = f"{product.target}_<suite>" if product.scope == SUITE else product.target
        assert f"`{name}`" in section
