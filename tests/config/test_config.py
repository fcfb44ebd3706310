"""The configuration: every profile is valid, and every mistake is named with its remedy."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import yaml

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

PROFILES = sorted((Path(__file__).parents[2] / "workflow" / "config").glob("*.yaml"))
MIXED = "walker2d-mixed"
VALID = {
    "profile": "test",
    "suites": {MIXED: None},
    "algorithms": {"cql": {"actions": 2}},
    "sharing": {"no_sharing": None, "cds": {"threshold": 80.0}},
    "seeds": 4,
    "seeds_per_job": 2,
}


def changed(path: str, value) -> dict:
    """The valid configuration with one key ("training/steps") set."""
    values = copy.deepcopy(VALID)
    *parents, key = path.split("/")
    section = values
    for parent in parents:
        if not isinstance(section.get(parent), dict):
            section[parent] = {}
        section = section[parent]
    section[key] = value
    return values


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


MISTAKES = {
    "top": (("sed", 3), r"unknown key 'sed'; did you mean 'seeds'\? \(valid: algorithms, "),
    "section": (
        ("training/stepz", 3),
        r"training: unknown key 'stepz'; did you mean 'steps'\? \(valid: batch_size, ",
    ),
    "protocol": (("protocol/resample", 3), r"protocol: unknown key .* did you mean 'resamples'\?"),
    "datasets": (("datasets/band", {}), r"datasets: unknown key 'band'; did you mean 'bands'\?"),
    "behaviour": (
        ("behaviour_training/jump/gama", 0.9),
        r"behaviour_training.jump: unknown key 'gama'; did you mean 'gamma'\?",
    ),
    "behaviour policy": (
        ("behaviour_training/ant-reahc/gamma", 0.9),
        r"behaviour_training: unknown policy 'ant-reahc'; did you mean 'ant-reach'\?",
    ),
    "a bonus off the ground": (
        ("behaviour_training/ant-reach/airborne_bonus", 1.0),
        r"ant-reach.airborne_bonus: only jump, run-backward, run-forward know",
    ),
    "domain": (("domains/navi", {}), r"domains: unknown name 'navi'; did you mean 'navigation'\?"),
    "domain's key": (
        ("domains/navigation/trainings", {}),
        r"domains.navigation: unknown key 'trainings'; did you mean 'training'\?",
    ),
    "domain's algorithm": (
        ("domains/navigation/algorithms", {"cqll": {}}),
        r"domains.navigation.algorithms: 'cqll' is not among the .*; did you mean 'cql'\?",
    ),
    "domain's option": (
        ("domains/navigation/algorithms", {"cql": {"action": 2}}),
        r"algorithms.cql: unknown key 'action'; did you mean 'actions'\?",
    ),
    "domain's training": (
        ("domains/navigation/training", {"stepz": 2}),
        r"domains.navigation.training: unknown key 'stepz'; did you mean 'steps'\?",
    ),
    "domain's steps": (
        ("domains/navigation/training", {"steps": 0}),
        r"domains.navigation.training.steps: Input should be greater than 0 \(got 0\)",
    ),
    "suite's key": (
        (f"suites/{MIXED}/size", {}),
        r"suites.walker2d-mixed: unknown key 'size'; did you mean 'sizes'\? \(valid: sizes\)",
    ),
    "quality": (
        ("datasets/bands", {"experts": [0, 1]}),
        r"datasets.bands: unknown quality 'experts'; did you mean 'expert'\?",
    ),
    "suite": (
        ("suites/walker2d-mix", None),
        r"suites: unknown name 'walker2d-mix'; did you mean 'walker2d-mixed'\? .*walker2d-medium,",
    ),
    "maze": (
        ("suites/antmaze-medium-direct", None),
        r"suites: unknown name 'antmaze-medium-direct'; did you mean 'antmaze-medium-directed'\?",
    ),
    "goal": (
        ("suites/pointmaze-medium-directed/sizes", {"pointmaze-medium-20-5": 5}),
        r"sizes: unknown task 'pointmaze-medium-20-5'; did you mean 'pointmaze-medium-20-4'\?",
    ),
    "task": (
        (f"suites/{MIXED}/sizes", {"jmup": 5}),
        r"sizes: unknown task 'jmup'; did you mean 'jump'\? \(valid: jump, run-backward, run-f",
    ),
    "strategy": (
        ("sharing/sharing_al", None),
        r"sharing: unknown name 'sharing_al'; did you mean 'sharing_all'\? \(valid: cds, cds_bas",
    ),
    "algorithm": (
        ("algorithms/cqll", None),
        r"algorithms: unknown name 'cqll'; did you mean 'cql'\? \(valid: .*cql",
    ),
    "a name with nothing near": (
        ("algorithms/zzz", None),
        r"algorithms: unknown name 'zzz' \(valid: ",
    ),
    "strategy's option": (
        ("sharing/cds", {"threshol": 90}),
        r"sharing.cds: unknown key 'threshol'; did you mean 'threshold'\? \(valid: batch, decay",
    ),
    "algorithm's option": (
        ("algorithms/cql", {"action": 2}),
        r"algorithms.cql: unknown key 'action'; did you mean 'actions'\?",
    ),
    "a list of strategies": (("sharing", ["cds"]), r"sharing: Input should be .* dictionary"),
    "negative seeds": (("seeds", -3), r"seeds: Input should be greater than 0 \(got -3\)"),
    "zero seeds": (("seeds", 0), r"seeds: Input should be greater than 0 \(got 0\)"),
    "zero group": (("seeds_per_job", 0), "seeds_per_job: Input should be greater than 0"),
    "incomplete group": (("seeds", 5), r"seeds: 5 is not a multiple of seeds_per_job \(2\)"),
    "zero steps": (("training/steps", 0), "training.steps: Input should be greater than 0"),
    "negative batch": (("training/batch_size", -32), "training.batch_size: Input should be great"),
    "odd width": (("training/hidden", [64, 30]), r"training.hidden.1: .*multiple of 32"),
    "zero width": (("training/hidden", [64, 0]), r"training.hidden.1: .*greater than 0"),
    "zero size": (
        (f"suites/{MIXED}/sizes", {"jump": 0}),
        r"suites.walker2d-mixed.sizes.jump: Input should be greater than 0 \(got 0\)",
    ),
    "zero episodes": (("protocol/final_episodes", 0), "protocol.final_episodes: .*greater than 0"),
    "fraction": (("training/steps", 1.5), "training.steps: Input should be a valid integer"),
    "text": (("training/steps", "many"), r"training.steps: .*valid integer.*\(got 'many'\)"),
    "confidence": (("protocol/confidence", 1), "protocol.confidence: Input should be less than 1"),
    "choice": (("training/device", "tpu"), "training.device: Input should be 'auto', 'cpu' or"),
    "profile that leaves the folder": (("profile", "../x"), "profile: .*match pattern"),
    "reference": (
        ("protocol/reference", "csd"),
        r"protocol.reference: 'csd' is not among .*; did you mean 'cds'\? \(valid: cds, no_shar",
    ),
    "an algorithm's strategy": (
        ("algorithms/cql/sharing", ["no_sharin"]),
        r"algorithms.cql.sharing: 'no_sharin' is not among .*; did you mean 'no_sharing'\?",
    ),
    "an algorithm without strategies": (
        ("algorithms/cql/sharing", []),
        r"algorithms.cql.sharing: got \[\]; expected a list of at least one configured strategy",
    ),
    "an algorithm's strategies as text": (
        ("algorithms/cql/sharing", "cds"),
        r"algorithms.cql.sharing: got 'cds'; expected a list",
    ),
    "a strategy twice": (
        ("algorithms/cql/sharing", ["cds", "cds"]),
        "algorithms.cql.sharing: a strategy is named twice in cds, cds",
    ),
    "a strategy that nothing is trained with": (
        ("algorithms/cql/sharing", ["cds"]),
        "sharing.no_sharing: no algorithm is trained with it",
    ),
    "domain's strategies": (
        ("domains/navigation/algorithms", {"cql": {"sharing": ["cds"]}}),
        r"domains.navigation.algorithms.cql: the key 'sharing' can't differ by domain; set algor",
    ),
    "a strategy's strategies": (
        ("sharing/cds", {"sharing": ["cds"]}),
        r"sharing.cds: unknown key 'sharing'",
    ),
    "no strategies": (("sharing", {}), "sharing: name at least one"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name, tmp_path):
    (path, value), message = MISTAKES[name]
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(changed(path, value)))
    with pytest.raises(BenchError, match=message) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")


def test_every_mistake_is_listed(tmp_path):
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(changed("sed", 1) | {"training": {"steps": 0}}))
    with pytest.raises(BenchError) as error:
        load(file)
    first, second = str(error.value).splitlines()
    assert "training.steps: " in first
    assert "unknown key 'sed'" in second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [1", "not valid YAML"),
        ("- seeds", "not a profile"),
        ("", "not a profile"),
        (b"seeds: \xff", "not readable"),
    ],
)
def test_files_that_are_no_profile(tmp_path, text, message):
    file = tmp_path / "profile.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BenchError, match=message) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")


def test_files_that_are_none(tmp_path):
    with pytest.raises(BenchError, match=r"none\.yaml: no such configuration; see workflow/conf"):
        load(tmp_path / "none.yaml")
    with pytest.raises(BenchError, match="not readable"):
        load(tmp_path)


def test_json_that_is_none():
    with pytest.raises(BenchError, match="--config: not valid JSON"):
        load('{"seeds": 3')


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
        ({"cds_k50": {"threshold": 50}}, "unknown name 'cds_k50'.*use: <its name>"),
        ({"cds_k50": {"use": "cdss"}}, r"unknown name 'cdss'.*'cds'"),
        (
            {"cds_k50": {"use": "cds", "threshol": 50}},
            r"sharing\.cds_k50: unknown key 'threshol'",
        ),
        ({"cds": {"use": "hipi"}}, r"sharing\.cds: 'cds' is a plug-in itself"),
        ({"cds-k50": {"use": "cds"}}, "'cds-k50' is no name"),
    ],
)
def test_a_variant_that_is_none(sharing, message):
    with pytest.raises(BenchError, match=message):
        parse(VALID | {"sharing": sharing}, "test")


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
    """Once each, and none for what a script acts out."""
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
    with pytest.raises(BenchError, match=f"protocol.reference: '{stand_in}' is a reference and no"):
        complete(mistaken, "t")
