"""Profiles: all shipped ones are valid, and methods, tasks and parts for jobs follow from them."""

import json
from pathlib import Path

import pytest

from cds_bench import jobs
from cds_bench.config import (
    Config,
    PPOTraining,
    Protocol,
    complete,
    load,
    options,
    parse,
    part,
    plugins,
)
from cds_bench.config.horizons import warnings
from cds_bench.config.sections import Section
from cds_bench.errors import BenchError
from cds_bench.training.identity import identity
from tests.config.profiles import MIXED, VALID, changed

PROFILES = sorted((Path(__file__).parents[2] / "workflow" / "config").glob("*.yaml"))


def test_the_three_profiles_are_there():
    assert {"smoke", "default", "paper"} <= {path.stem for path in PROFILES}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profiles_are_valid_and_named_as_their_file(path):
    config = load(path)
    assert config.profile == path.stem
    for kind in ("algorithms", "sharing"):
        for name, values in getattr(config, kind).items():
            options(kind, name, values)


def test_the_default_profile_compares_what_the_readme_says():
    config = load(next(path for path in PROFILES if path.stem == "default"))
    assert list(config.suites) == [MIXED, "pointmaze-medium-undirected", "door-drawer"]
    methods = ["no_sharing", "sharing_all", "hipi", "cds_basic", "cds", "cds_k90"]
    assert [sharing for _, sharing in config.competing] == [*methods, "no_sharing"]
    assert config.references == ["oracle", "random_tenth"]
    assert config.competing[-1] == ("bc", "no_sharing")
    assert warnings(config) == [], "every suite covers three horizons"
    assert (config.seeds, config.protocol.reference) == (3, "cds")


def test_a_part_round_trips():
    config = parse(changed("training/hidden", [32, 32]), "test")
    keys = (
        "training",
        "protocol.final_snapshots",
        "suites",
        "sharing.cds",
        "seeds",
        "seeds_per_job",
    )
    text = part(config, *keys)
    values = json.loads(text)
    assert values.keys() == {"profile", "results", *(key.split(".")[0] for key in keys)}
    assert values["sharing"] == {"cds": {"threshold": 80.0}}
    assert values["protocol"] == {"final_snapshots": config.protocol.final_snapshots}
    again = load(text)
    assert (again.training, again.suites, again.seeds) == (config.training, config.suites, 4)
    assert part(again, *keys) == text
    assert load(config.model_dump_json()) == config


def test_a_part_changes_with_its_keys_alone():
    first, second = (parse(changed("protocol/resamples", n), "test") for n in (10, 20))
    assert part(first, "training", "protocol.reference") == part(
        second, "training", "protocol.reference"
    )
    assert part(first, "protocol") != part(second, "protocol")


def test_a_part_keeps_the_configured_order():
    """The columns of a table are in the order of the configuration."""
    names = ["no_sharing", "cds", "cds_basic"]
    config = parse(VALID | {"sharing": dict.fromkeys(names)}, "test")
    assert list(load(part(config, "sharing")).sharing) == names


def test_seed_groups():
    assert parse(VALID, "test").seed_groups == [(0, 1), (2, 3)]
    more = parse(VALID | {"seeds": 6}, "test").seed_groups
    assert more[:2] == [(0, 1), (2, 3)], "raising seeds adds groups and moves none"


def test_sizes_default_to_the_papers():
    config = parse(changed(f"suites/{MIXED}/sizes", {"jump": 7}), "test")
    assert config.size(MIXED, "jump") == 7
    assert config.size(MIXED, "run-forward") == 109_900


def test_the_protocols_hash_covers_every_key_and_the_seeds():
    def hashed(**changes) -> str:
        return Config(**{"suites": {MIXED: {}}} | changes).protocol_sha256

    hashes = {hashed(), hashed(seeds=6), hashed(suites={"door-drawer": {}})}  # success, not return
    others = {"reference": "other", "correction": "bonferroni"}
    for key, value in Protocol().model_dump().items():
        other = others.get(key) or (value / 2 if value < 1 else value + 1)
        hashes.add(hashed(protocol={key: other}))
    assert len(hashes) == len(Protocol.model_fields) + 3
    assert hashed() == hashed(training={"steps": 7})


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse(VALID, "test").seeds = 7
    assert Config.model_config["extra"] == Section.model_config["extra"] == "forbid"


def test_a_domain_changes_its_own_suites_alone():
    values = changed("domains/locomotion", {"algorithms": {"cql": {"actions": 7}}})
    values["domains"]["locomotion"]["training"] = {"steps": 9}
    values["suites"]["pointmaze-medium-directed"] = None
    config = parse(values, "test")
    mixed, maze = config.of(MIXED), config.of("pointmaze-medium-directed")
    assert (mixed.algorithms["cql"]["actions"], mixed.training.steps) == (7, 9)
    assert mixed.training.batch_size == config.training.batch_size
    assert (maze.algorithms, maze.training) == (config.algorithms, config.training)
    assert mixed.of(MIXED) == mixed


def test_the_policies_behind_the_configured_data():
    """Each policy is listed once. Scripted behaviour has no policy."""
    suites = ("antmaze-medium-directed", "antmaze-large-directed", "pointmaze-medium-directed")
    config = parse({"suites": dict.fromkeys([*suites, "walker2d-expert", "door-drawer"])}, "test")
    assert config.policies() == ["ant-reach", "run-forward", "run-backward", "jump"]
    assert len(config.tasks()) == 3 + 7 + 3 + 3 + 4


def test_bands_and_behaviour_training_keep_what_is_not_named():
    config = parse({"datasets": {"bands": {"wide": [0, 1]}}}, "test")
    assert config.datasets.bands["wide"] == (0, 1)
    assert config.datasets.bands["expert"] == Config().datasets.bands["expert"]
    config = parse({"behaviour_training": {"run-forward": {"seed": 3}}}, "test")
    assert config.behaviour_training["run-forward"].seed == 3
    assert config.behaviour_training["run-forward"].learner == "sac"
    assert config.behaviour_training["ant-reach"].hidden == 128
    config = parse({"behaviour_training": {"run-forward": {"learner": "ppo"}}}, "test")
    assert config.behaviour_training["run-forward"] == PPOTraining()


def restricted(**sharing) -> Config:
    values = {"cql": {"actions": 2}, "bc": {"sharing": ["no_sharing"]}}
    return parse(
        VALID | {"algorithms": values, "sharing": {"no_sharing": {}, "cds": {}} | sharing}, "t"
    )


def test_an_algorithm_is_trained_with_its_own_strategies():
    config = restricted()
    assert config.methods == [("cql", "no_sharing"), ("cql", "cds"), ("bc", "no_sharing")]
    assert config.of(MIXED).methods == config.methods
    assert config.strategies("bc") == ["no_sharing"]
    assert load(config.model_dump_json()).methods == config.methods
    trained = [run[1:3] for run in jobs.runs(config)]
    assert trained == [method for method in config.methods for _ in range(2)], "two groups of seeds"


def test_the_list_of_strategies_is_no_option_of_the_algorithm():
    config = restricted()
    assert (
        options("algorithms", "bc", config.algorithms["bc"])
        == plugins.load("algorithms", "bc").Config()
    )
    assert json.loads(part(config, "algorithms.bc"))["algorithms"] == {"bc": {}}
    assert json.loads(part(config, "algorithms"))["algorithms"]["bc"]["sharing"] == ["no_sharing"]


def test_a_list_of_strategies_changes_no_other_run():
    all_of_them = parse(VALID | {"algorithms": {"cql": {"actions": 2}, "bc": {}}}, "t")
    for algorithm in ("cql", "bc"):
        marks = [
            identity(config, MIXED, algorithm, "no_sharing", "hash")
            for config in (restricted(), all_of_them)
        ]
        assert marks[0] == marks[1]
    assert restricted().protocol_sha256 == all_of_them.protocol_sha256


def test_references_are_read_from_the_text_and_stand_last(stand_in):
    config = restricted(**{stand_in: {}, "half": {"use": stand_in, "share": 0.5}, "hipi": {}})
    assert config.references == [stand_in, "half"], "a variant of a reference is one"
    assert [s for a, s in config.methods if a == "cql"] == [
        "no_sharing", "cds", "hipi", stand_in, "half",
    ]  # fmt: skip
    assert config.competing == [
        ("cql", "no_sharing"), ("cql", "cds"), ("cql", "hipi"), ("bc", "no_sharing"),
    ]  # fmt: skip
    protocol = config.protocol.model_copy(update={"reference": stand_in})
    mistaken = config.model_copy(update={"protocol": protocol})
    with pytest.raises(BenchError, match=f"protocol.reference: '{stand_in}' is a reference, not"):
        complete(mistaken, "t")


def test_suites_of_pictures_are_trained_on_with_or_without_random_shifts():
    values = VALID | {"suites": {"pick-place": {}}}
    assert complete(parse(values, "t"), "t").training.augmentation == "shift"
    training = {"augmentation": "none"}
    plain = parse(values | {"domains": {"vision": {"training": training}}}, "t")
    assert plain.of("pick-place").training.augmentation == "none"
    with pytest.raises(BenchError, match=r"t: training\.augmentation: .*'none' or 'shift'"):
        parse(values | {"training": {"augmentation": "crop"}}, "t")


@pytest.mark.parametrize("name", ["cds", "oracle"])
def test_a_suite_of_one_task_has_no_second_half_of_a_batch(name):
    alone = {"suites": {"pointmaze-medium-single": {}}, "protocol": {"reference": "no_sharing"}}
    complete(
        parse(VALID | alone | {"sharing": {"no_sharing": None, "sharing_all": None}}, "t"), "t"
    )
    shared = parse(VALID | alone | {"sharing": {"no_sharing": None, name: None}}, "t")
    with pytest.raises(BenchError, match=f"t: sharing.{name}: half of each batch comes from other"):
        complete(shared, "t")
