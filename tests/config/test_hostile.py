"""Names that are dangerous in a shell or path, and configurations that are huge or recursive."""

import re

import pytest
import yaml

from cds_bench.config import load, parse
from cds_bench.errors import BenchError
from tests.config.profiles import MIXED, VALID, changed
from tests.projects import ROOT

COMMAND = "x$(touch pwned)y"
HOSTILE = (
    COMMAND, "`touch pwned`", "a; touch pwned", "a b", "a'b", 'a"b', "a\nb", "a{b}", "{suite}",
    "a\0b", "a*b", "~", "../x", "x/../../y", "x//y", "..", ".", "", "-rf", "x" * 300, "\ud800", "é",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "place",
    ["results", "profile", "suites", "baselines", "sharing", "algorithms", "behaviour_training",
     "domains"],
)  # fmt: skip
def test_hostile_names_are_refused_wherever_they_stand(place, name):
    value = {"use": "cds"} if place == "sharing" else {"use": "cql"}
    named = name if place in ("results", "profile") else {name: value}
    with pytest.raises(BenchError) as error:
        parse(VALID | {place: named}, "test")
    assert str(error.value).startswith("test: ")
    assert len(str(error.value)) < 3000


@pytest.mark.parametrize("name", ["results", "/scratch/me/results-2", "./out", "a/b.c/.d", "r/"])
def test_plain_paths_are_accepted(name):
    assert parse(VALID | {"results": name}, "test").results == name


def test_every_field_of_a_shell_command_is_quoted():
    """A value that reaches a shell stays one word there, whatever its characters."""
    rules = [*(ROOT / "workflow").rglob("*.smk"), ROOT / "Snakefile"]
    commands = 0
    for path in rules:
        text = path.read_text()
        blocks = re.findall(r"shell:\n((?: +\".*\"\n)+)", text)
        assert len(blocks) == len(re.findall(r"^ *shell:", text, re.MULTILINE)), path
        calls = re.findall(r"shell\((.*)\)", text)  # in hooks
        assert len(calls) == text.count("shell("), path
        for block in [*blocks, *calls]:
            commands += 1
            fields = re.findall(r"\{([^}]*)\}", block)
            assert fields
            assert not [field for field in fields if not field.endswith(":q")], path
    assert commands >= 15


BOMB = "\n".join(
    ["a0: &a0 [x, x]", *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 8))]
)
MERGED = "\n".join(
    ["a0: &a0 {k: 1}"]
    + [f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 10)}]}}" for k in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: 3\nseeds: 4", "the key 'seeds' occurs twice"),
        ("training:\n  steps: 3\n  steps: 4", "the key 'steps' occurs twice"),
        (BOMB, "more than 100,000 values"),
        (MERGED, "keys are merged"),
        ("a: &a [*a]", "refers to itself"),
        ("a: &a {b: *a}", "refers to itself"),
        ("a: " + "[" * 40 + "]" * 40, "nested more than"),
        ("a: " + "[" * 100_000, "nested too deeply"),
        ("a: " + "9" * 6000, "not valid YAML"),
        ("a: 2020-01-01", "a: is of type date"),
        ("a: !!binary aGVsbG8=", "a: is of type bytes"),
        ("a: !!python/object/apply:os.system ['touch pwned']", "not valid YAML"),
        ("a: 99999999999999999999", "a: is an integer beyond 64 bits"),
        ("a: .inf", "a: is inf, expected a finite number"),
        ("x: " + "y" * 5_000_000, "larger than any profile"),
    ],
)
def test_yaml_that_no_profile_needs(tmp_path, text, message):
    file = tmp_path / "profile.yaml"
    file.write_text(text)
    with pytest.raises(BenchError, match=message) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert len(str(error.value)) < 3000


def test_json_that_no_rule_writes():
    for text, message in (
        ('{"seeds": 3, "seeds": 4}', "the key 'seeds' occurs twice"),
        ('{"seeds": NaN}', "seeds: is nan, expected a finite number"),
        ('{"a": ' * 100_000, "nested too deeply"),
    ):
        with pytest.raises(BenchError, match=message):
            load(text)


LONG = "z" * 50_000


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("profile", LONG), ("results", LONG), (f"suites/{LONG}", None), (f"{LONG}", 1),
        (f"training/{LONG}", 1), ("training/steps", LONG), (f"sharing/{LONG}", None),
        (f"sharing/cds/{LONG}", 1), ("sharing/cds/batch", LONG), (f"baselines/{LONG}", None),
        ("algorithms/cql/sharing", [LONG]), ("protocol/reference", LONG), ("seeds", [1] * 50_000),
    ],
)  # fmt: skip
def test_a_message_never_repeats_a_long_value(tmp_path, path, value):
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(changed(path, value)))
    with pytest.raises(BenchError) as error:
        load(file)
    assert len(str(error.value)) < 3000


def test_many_mistakes_are_counted():
    with pytest.raises(BenchError, match="and 461 more lines like these") as error:
        parse(VALID | {f"unknown{k}": k for k in range(501)}, "test")
    assert len(str(error.value).split("\n")) == 41


OPTIONS = {
    "text for a number": ("algorithms/cql/cloning_steps", "abc", "cloning_steps: .*integer.*'abc'"),
    "a number as text": ("algorithms/cql/target_rate", "0.05", "target_rate: .*valid number"),
    "no actions": ("algorithms/cql/actions", 0, r"actions: .*greater than 0 \(got 0\)"),
    "a fraction": ("algorithms/cql/actions", 1.5, "actions: .*valid integer"),
    "a truth": ("algorithms/cql/actions", True, "actions: .*valid integer"),
    "a negative rate": ("algorithms/cql/target_rate", -0.1, "target_rate: .*greater than 0"),
    "a discount of 1": ("algorithms/cql/discount", 1, "discount: .*less than 1"),
    "a percentile": ("sharing/cds/threshold", 200, r"threshold: .*equal to 100 \(got 200\)"),
    "a temperature": ("sharing/cds/tau", -1, "tau: .*greater than 0"),
    "a choice": ("sharing/cds/batch", "own", "batch: Input should be 'balanced', "),
    "a domain's": (
        "domains/navigation/algorithms", {"cql": {"actions": 0}}, "cql.actions: .*greater than 0",
    ),
    "a variant's": (
        "sharing/mine", {"use": "random_tenth", "probability": 2}, "mine.probability: .*equal to 1",
    ),
    "a derived one's": ("sharing/mine", {"use": "cds_uds", "tau": 0}, "mine.tau: .*greater than 0"),
    "use that is no name": ("sharing/mine", {"use": 3}, "mine.use: got 3; expected the name of"),
    "use that is no number": ("sharing/mine", {"use": float("nan")}, "mine.use: is nan"),
    "strategies that are no names": ("algorithms/cql/sharing", [["cds"]], r"'cds'\] is not among"),
    "too few steps": ("training/steps", 5, f"{MIXED}: training.steps: 5 steps are too few for"),
    "reversed band": ("datasets/bands", {"expert": [1, 0]}, "the band 1 to 0 is reversed"),
    "endless band": ("datasets/bands", {"expert": [0, float("inf")]}, "is inf, expected a finite"),
    "resamples": ("protocol/resamples", 10**12, "resamples: .*less than or equal to 1000000"),
    "seeds": ("seeds", 10**9, "seeds: .*less than or equal to 1000"),
    "steps": ("training/steps", 10**15, "steps: .*less than or equal to 1000000000"),
    "a variant named like a baseline": (
        "sharing/d3rlpy_cql", {"use": "cds"}, "'d3rlpy_cql' is also the name of a variant",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_checked_when_the_configuration_is_read(tmp_path, name):
    path, value, message = OPTIONS[name]
    values = changed(path, value)
    if "d3rlpy" in path:
        values["baselines"] = {"d3rlpy_cql": None}
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(BenchError, match=message):
        load(file)
