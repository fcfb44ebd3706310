"""Every mistake in a configuration is named with its remedy."""

import pytest
import yaml

from cds_bench.config import (
    load,
)
from cds_bench.errors import BenchError
from tests.config.profiles import MIXED, changed

MISTAKES = {
    "top": (("sed", 3), r"unknown key 'sed'; did you mean 'seeds'\? \(valid: algorithms, "),
    "section": (
        ("training/stepz", 3),
        r"training: unknown key 'stepz'; did you mean 'steps'\? \(valid: augmentation, ",
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
        r"ant-reach.airborne_bonus: only jump, run-backward, run-forward can tell",
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
    "zero group": (
        ("seeds_per_job", 0),
        r"seeds_per_job: .*expected 'auto' or a whole number from 1 to 1000 \(got 0\)",
    ),
    "a group in words": (("seeds_per_job", "many"), r"expected 'auto' or a whole .*\(got 'many'\)"),
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
