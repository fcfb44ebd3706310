"""The costs of a profile: the arithmetic by hand, and one tiny measurement of everything."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import envs
from cds_bench.config import load, parse
from cds_bench.dataset.pool import COLUMNS, load_pool
from cds_bench.errors import BenchError
from cds_bench.planning import measure
from cds_bench.planning.costs import Cost, World, bill, job_seconds, references, wall_seconds
from cds_bench.planning.text import estimate, grouped, summary
from cds_bench.progress import Progress
from cds_bench.storage import paths

SUITE = "walker2d-mixed"
TASKS = envs.SUITES[SUITE].tasks
SIZES = dict(zip(TASKS, (1000, 2000, 3000), strict=True))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path):
    values = {
        "results": str(tmp_path), "profile": "test", "suites": {SUITE: {"sizes": SIZES}},
        "algorithms": {"cql": {"cloning_steps": 40, "actions": 2}},
        "sharing": {"no_sharing": {}, "cds": {}, "hipi": {}}, "seeds": 4, "seeds_per_job": 2,
        "training": {"steps": 100, "batch_size": 32, "hidden": [32, 32], "shift_steps": 30,
                     "threads": 2},
        "datasets": {"reference_episodes": 5},
        "protocol": {"curve_snapshots": 2, "final_snapshots": 2, "curve_episodes": 1,
                     "final_episodes": 3},
    }  # fmt: skip
    return parse(values, "test")


WORLDS = {
    SUITE: World(
        17, 6, collecting=dict.fromkeys(TASKS, 0.001), evaluating=dict.fromkeys(TASKS, 0.002)
    )
}
SLOW = Cost(phases=((40, 1.0), (60, 2.0)), fit=0.1, memory=2**30, policy=1000, critic=500)
QUICK = dataclasses.replace(SLOW, phases=((40, 0.5), (60, 1.0)), memory=2**29)


def stub(*devices: str) -> dict:
    of = {"no_sharing": QUICK, "cds": QUICK, "hipi": SLOW}
    return {(SUITE, "cql", name, device): cost for device in devices for name, cost in of.items()}


def test_a_job_costs_its_phases_and_the_fit():
    assert SLOW.steps_per_second == pytest.approx(100 / 160)
    assert SLOW.seconds(fit_steps=30) == pytest.approx(160 + 50 * 0.1)


def test_a_suites_bill_by_hand(config):
    found = bill(config, SUITE, WORLDS[SUITE], stub("cpu", "cuda"))
    assert (found.jobs, found.transitions) == (6, 6000)
    assert found.references == pytest.approx(dict.fromkeys(TASKS, 3 * 5 * 1000 * 0.001))
    assert found.collecting == pytest.approx({task: n * 0.001 for task, n in SIZES.items()})
    # snapshots at 0, 50, 90, 100: two of one episode, two of three; 2 seeds, 3 tasks
    assert found.evaluating == pytest.approx(2 * (2 * 1 + 2 * 3) * 3 * 1000 * 0.002)
    assert found.datasets == 6000 * (4 * (17 + 17 + 6) + 8 + 1 + 1 + 3 * 8)
    assert found.pool == 6000 * (4 * (17 + 17 + 6 + 3 + 3) + 8 + 1)
    assert found.runs == 2 * 3 * (4 * 1000 + 500)


@pytest.mark.parametrize(("device", "cores"), [("cpu", 4), ("cuda", 4), ("cpu", 1000)])
def test_wall_time_by_hand(config, device, cores):
    bills = {SUITE: bill(config, SUITE, WORLDS[SUITE], stub("cpu", "cuda"))}
    jobs = job_seconds(config, stub("cpu", "cuda"), device)
    training = 2 * (85 + 85 + 165)  # of three methods with two groups of seeds
    assert 2 * sum(jobs.values()) == pytest.approx(training)
    rest = 3 * 15 + 6 + 6 * 96
    expected = {
        ("cpu", 4): (2 * training + rest) / 4,  # two threads a job
        ("cuda", 4): training,
        ("cpu", 1000): 165 + 96,
    }
    found = wall_seconds(config, bills, jobs, device, cores)
    assert found == pytest.approx(expected[device, cores])


def test_references_are_shared_between_suites(config):
    one = bill(config, SUITE, WORLDS[SUITE], stub("cpu"))
    assert references({"a": one, "b": one}) == one.references


def test_the_text(config):
    text = summary(config, WORLDS, stub("cpu"), cores=4)
    rows = [line.split() for line in text.splitlines()]
    text = " ".join(text.split())
    assert ["cql", "x", "no_sharing,", "cds", "cpu", "4", "2", "100", "1.2", "0:01:25", "0:05:40",
            "512.0", "MiB"] in rows  # fmt: skip
    assert ["cql", "x", "hipi", "cpu", "2", "2", "100", "0.625", "0:02:45", "0:05:30", "1.00",
            "GiB"] in rows  # fmt: skip
    assert "Jobs: 6 to train, 6 to evaluate, 7 for references, datasets and pools." in text
    assert "training 0:11:10 on the CPU, data 0:00:06, references 0:00:45" in text
    assert "evaluation 0:09:36" in text
    assert "Wall time at --cores 4, at best: 0:08:12 on the CPU." in text
    assert "2.00 GiB for 2 at a time" in text
    assert "No GPU was found here" in text
    assert "behaviour policies" not in text


def test_the_text_with_a_gpu_and_untrained_behaviour(config):
    config = config.model_copy(update={"behaviour": "train"})
    text = " ".join(summary(config, WORLDS, stub("cpu", "cuda"), cores=4).split())
    assert "training 0:11:10 on the CPU, 0:11:10 on the GPU" in text
    assert "at best: 0:08:12 on the CPU, 0:11:10 on the GPU" in text
    assert "No GPU" not in text
    assert "training behaviour policies" in text


@pytest.mark.parametrize("profile", ["default", "smoke", "paper", "brac", "shift", "learners"])
def test_every_profile_fits_the_page(profile):
    """The widest text has a row for every strategy, thousands of hours, and a GPU."""
    config = load(ROOT / f"workflow/config/{profile}.yaml")
    worlds = {
        suite: World(29, 8, *(dict.fromkeys(envs.SUITES[suite].tasks, 0.01) for _ in range(2)))
        for suite in config.suites
    }
    costs = {
        (suite, algorithm, sharing, device): dataclasses.replace(SLOW, phases=((500_000, 2.0**k),))
        for suite in config.suites
        for algorithm in config.algorithms
        for device in ("cpu", "cuda")
        for k, sharing in enumerate(config.sharing)
    }
    text = summary(config, worlds, costs, cores=128)
    assert max(map(len, text.splitlines())) <= 110
    decides = profile in ("paper", "brac")
    assert ("cannot decide any two-sided exact test" not in " ".join(text.split())) == decides


@pytest.mark.parametrize(
    ("rates", "labels"),
    [
        ({"a": 1.0}, ["a"]),
        ({"a": 1.0, "b": 1.05}, ["all"]),
        ({"hipi": 5.0, "a": 9.5, "b": 10.0}, ["b, a", "hipi"]),
        ({"hipi": 5.0, "no_sharing": 9.5, "sharing_all": 10.0, "cds": 9.4},
         ["sharing_all + 2 more", "hipi"]),
    ],
)  # fmt: skip
def test_similar_strategies_share_a_row(rates, labels):
    groups = grouped(rates)
    assert [label for label, _ in groups] == labels
    assert sorted(name for _, names in groups for name in names) == sorted(rates)


@pytest.mark.parametrize(
    ("cloning", "expected"),
    [(0, [(1, 100)]), (40, [(0, 40), (41, 60)]), (100, [(0, 100)]), (500, [(0, 100)])],
)
def test_phases(config, cloning, expected):
    config = config.model_copy(update={"algorithms": {"cql": {"cloning_steps": cloning}}})
    assert measure.phases(config, "cql") == expected


def test_an_algorithm_that_never_clones_has_one_phase(config):
    config = config.model_copy(update={"algorithms": {"bc": {}}})
    assert measure.phases(config, "bc") == [(1, 100)]


def test_the_first_calls_are_not_counted(monkeypatch):
    clock, calls = [0.0], []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])

    def call():
        calls.append(len(calls))
        clock[0] += 10.0 if len(calls) == 1 else 1.0

    assert measure.seconds_per_call(call, "cpu", 4.0) == 1.0
    assert len(calls) == 1 + 4


def test_parts_that_suites_share_are_measured_once(config, monkeypatch):
    asked = []
    monkeypatch.setattr(measure, "alone", lambda arguments: asked.append(arguments[1:4]) or SLOW)
    names = ("antmaze-medium-directed", "antmaze-medium-undirected")
    config = parse(config.model_dump(mode="json") | {"suites": dict.fromkeys(names)}, "test")
    worlds = {
        suite: World(29, 8, *(dict.fromkeys(envs.SUITES[suite].tasks, 0.01) for _ in range(2)))
        for suite in names
    }
    with Progress("plan", 6) as progress:
        costs = measure.measure_training(config, worlds, ["cpu"], 0.1, progress)
    assert asked == [(names[0], "cql", sharing) for sharing in config.sharing]
    assert len(costs) == progress.done == 6


def test_the_synthetic_pool_is_like_the_real_one(trained):
    """It has the same arrays and the number of bytes that the bill says."""
    real = load_pool(paths.pool(trained, SUITE))
    toy = measure.synthetic_pool(trained, SUITE, WORLDS[SUITE])
    for field in dataclasses.fields(real):
        one, other = getattr(real, field.name), getattr(toy, field.name)
        if isinstance(one, np.ndarray):
            assert (one.shape, one.dtype) == (other.shape, other.dtype), field.name
    size = bill(trained, SUITE, WORLDS[SUITE], {}).pool
    assert sum(getattr(real, name).nbytes for name in COLUMNS) == size


def test_files_are_as_large_as_the_bill_says(trained):
    """HDF5 and safetensors add headers of some kilobytes."""
    key = (SUITE, "cql", "cds", "cpu")
    cost = measure.measure_job(trained, *key, WORLDS[SUITE], seconds=0.0)
    found = bill(trained, SUITE, WORLDS[SUITE], {key: cost})
    datasets = sum(paths.dataset(trained, SUITE, task).stat().st_size for task in TASKS)
    policies = paths.run(trained, SUITE, "cql", "cds", "0-1") / "policies.safetensors"
    assert found.datasets < datasets < found.datasets + 3 * 20_000
    assert found.runs < policies.stat().st_size < found.runs + 5_000


def test_a_job_that_dies_gives_a_plain_message(config, monkeypatch):
    monkeypatch.setattr(measure, "measure_job", _die)
    with pytest.raises(BenchError, match="walker2d-mixed cql cds: could not be measured on cpu"):
        measure.alone((config, SUITE, "cql", "cds", "cpu", WORLDS[SUITE], 0.1))


def _die(*_):
    os._exit(9)


def test_everything_is_measured(config):
    """One real measurement of a profile of smoke's size, in separate processes."""
    text, needs = estimate(config, cores=2, seconds=0.05)
    jobs = {f"train/{SUITE}/cql/{name}" for name in config.sharing} | {f"evaluate/{SUITE}"}
    tasks = {f"references/{task}" for task in TASKS} | {f"dataset/{SUITE}/{task}" for task in TASKS}
    assert needs.keys() == jobs | tasks
    assert all(need["seconds"] > 0 for need in needs.values())
    assert SUITE in text
    assert "Wall time at --cores 2" in text
    assert ("No GPU was found" in text) == (not torch.cuda.is_available())
    assert not any(paths.Path(config.results).iterdir()), "nothing is written"
