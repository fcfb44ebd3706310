"""How a configuration names plug-ins: by file, as variants, and with options."""

import dataclasses

import pytest

from cds_bench.config import (
    options,
    parse,
    plugins,
)
from cds_bench.errors import BenchError
from tests.config.profiles import VALID


@pytest.mark.parametrize(
    ("kind", "name", "values", "message"),
    [
        ("sharing", "cds", {"threshold": "high"}, r"sharing.cds.threshold.*: .*\(got 'high'\)"),
        ("sharing", "cds", {"batch": "own"}, "sharing.cds.batch: Input should be 'balanced', "),
        ("algorithms", "cql", {"actions": 1.5}, "algorithms.cql.actions: .*valid integer"),
    ],
)
def test_options_of_the_wrong_type(kind, name, values, message):
    with pytest.raises(BenchError, match=message):
        options(kind, name, values)


def test_options_take_their_defaults():
    config = plugins.load("sharing", "cds").Config
    assert options("sharing", "cds", {}) == config()
    assert options("sharing", "cds", {"tau": 2}) == dataclasses.replace(config(), tau=2.0)


def test_plug_ins_are_found_by_their_file(tmp_path, monkeypatch):
    (tmp_path / "sharing").mkdir()
    (tmp_path / "sharing" / "mine.py").write_text("class Config:\n    share: float = 1.0\n")
    (tmp_path / "sharing" / "helper.py").write_text("VALUE = 1\n")
    (tmp_path / "sharing" / "_private.py").write_text("class Config:\n    pass\n")
    monkeypatch.setattr(plugins, "ROOT", tmp_path)
    assert plugins.names("sharing") == ["mine"]
    plugins.check("sharing", "mine", {"share": 0.5})
    with pytest.raises(BenchError, match=r"sharing\.mine: unknown key 'shar'"):
        plugins.check("sharing", "mine", {"shar": 0.5})


def test_a_variant_is_a_plug_in_with_other_options():
    config = parse(
        VALID | {"sharing": {"cds": {}, "cds_k50": {"use": "cds", "threshold": 50}}}, "t"
    )
    assert config.module("sharing", "cds_k50") == config.module("sharing", "cds") == "cds"
    expected = dataclasses.replace(plugins.load("sharing", "cds").Config(), threshold=50.0)
    assert options("sharing", "cds_k50", config.sharing["cds_k50"]) == expected


def test_a_derived_plug_in_has_the_options_of_the_one_it_derives_from():
    assert plugins.fields("sharing", "cds_uds") == plugins.fields("sharing", "cds")
    assert options("sharing", "cds_uds", {"threshold": 50}).threshold == 50.0


@pytest.mark.parametrize(
    ("sharing", "message"),
    [
        ({"cds_k50": {"threshold": 50}}, "unknown name 'cds_k50'.*use: <its plug-in>"),
        ({"cds_k50": {"use": "cdss"}}, r"unknown name 'cdss'.*'cds'"),
        (
            {"cds_k50": {"use": "cds", "threshol": 50}},
            r"sharing\.cds_k50: unknown key 'threshol'",
        ),
        ({"cds": {"use": "hipi"}}, r"sharing\.cds: 'cds' is itself a plug-in"),
        ({"cds-k50": {"use": "cds"}}, "'cds-k50' is not a name"),
    ],
)
def test_a_variant_that_is_none(sharing, message):
    with pytest.raises(BenchError, match=message):
        parse(VALID | {"sharing": sharing}, "test")
