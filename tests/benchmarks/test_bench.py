"""The benchmark: what only a GPU measures also runs on a CPU, and nothing in the loop waits."""

import time

import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import comparisons, contender, engine, graphed, machine, profiling, report, scaling
from benchmarks.contender import prepared
from cds_bench.training import loop

SPEC = comparisons.PAPER | comparisons.QUICK | {"device": "cpu", "threads": 1}
SPEC |= {"seeds": 2, "tasks": 3}


@pytest.fixture(autouse=True)
def same_precision():
    """TF32 stays in the test that asks for it."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def gpu_entries():
    """The contenders on a GPU, moved to the CPU; those of many seeds are left out."""
    groups = comparisons.groups("cuda", threads=1, quick=True, data=None)
    return [
        pytest.param(entry._replace(spec=entry.spec | {"device": "cpu"}), id=f"{group}: {label}")
        for group, (_, contenders, *_) in enumerate(groups)
        for label, entry in contenders.items()
        if entry.spec["seeds"] <= 10
    ]


@pytest.mark.parametrize("entry", gpu_entries())
def test_every_contender_of_a_gpu_takes_steps_on_a_cpu(entry):
    step = prepared(entry.module, entry.spec)
    assert [step(), step()] == [1, 1]


def test_the_groups_of_a_gpu_name_their_contenders():
    groups = comparisons.groups("cuda", threads=1, quick=False, data=None)
    for group in groups:
        named = {each.contender for each in (*group.comparisons, *group.floors)}
        named |= {name for each in (*group.comparisons, *group.floors) for name in each.references}
        assert named | set(group.profiled) <= set(group.contenders)
    labels = {label for group in groups for label in group.contenders}
    assert {f"engine, {2**k} seeds" for k in range(7)} <= labels
    assert {"yardstick, script", "engine, TF32", "engine, CUDA graph"} <= labels


@pytest.mark.parametrize("sharing", ["no_sharing", "cds", "hipi"])
def test_the_step_of_a_graph_is_the_engines(sharing):
    """Every number is the same, and from the second step on all results stay in their place."""
    spec = SPEC | {"sharing": sharing}
    (job, pool, plain), (_, _, state) = engine.begin(spec), engine.begin(spec)
    step = graphed.in_place(job, pool, state)
    places = []
    for _ in range(4):
        plain.recorder.add(*loop.train_step(job, pool, plain), plain.step)
        step()
        places.append([each.data_ptr() for each in state.recorder.sums])
    assert places[0] == places[1] == places[3]
    found, expected = (loop.learner_tensors(each.learner) for each in (state, plain))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    torch.testing.assert_close(state.recorder.sums, plain.recorder.sums, rtol=0, atol=0)
    torch.testing.assert_close(state.sharing, plain.sharing, rtol=0, atol=0)


@pytest.mark.parametrize("sharing", ["no_sharing", "cds", "cds_basic", "hipi", "sharing_all"])
def test_nothing_in_the_loop_waits_for_the_device(sharing):
    found = profiling.measure("benchmarks.engine", SPEC | {"sharing": sharing}, steps=3)
    assert found["waits"] == 0
    assert sum(found["shares"].values()) == pytest.approx(1.0)


def test_readings_are_counted():
    """Each of the four losses is read once. Torch's distributions read numbers, too."""
    plain, script = (
        profiling.measure(f"benchmarks.{name}", SPEC, steps=3)["waits"]
        for name in ("yardstick", "yardstick_script")
    )
    assert script == plain + 4


def results():
    described = machine.describe("cpu", 1)
    return report.Results("cpu", True, 2, 0.01, described, dict(comparisons.GPU_ONLY))


def test_a_quick_run_writes_a_report(tmp_path, monkeypatch):
    """One group with few contenders, and no scaling."""
    first, *_ = comparisons.groups("cpu", threads=1, quick=True, data=None)
    kept = {name: first.contenders[name] for name in ("yardstick", "yardstick, script", "engine")}
    group = first._replace(contenders=kept, profiled=("engine", "yardstick, script"))
    made = results()
    monkeypatch.setattr(scaling, "measure", lambda *_: [])
    bench.measure(made, [group], 1, time.monotonic() + 600, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| engine / yardstick, script |" in text
    assert "| TF32 | only a GPU" in text
    assert [found["waits"] == 0 for found in made.profiles.values()] == [True, False]


def test_no_part_begins_too_late(tmp_path):
    made = results()
    groups = comparisons.groups("cpu", threads=1, quick=True, data=None)
    bench.measure(made, groups, 1, time.monotonic(), tmp_path)
    assert made.left_out[groups[0].title] == made.left_out["scaling"] == "no time was left"
    assert "no time was left" in (tmp_path / "report.md").read_text()


def test_a_contender_that_hangs_is_ended(monkeypatch):
    monkeypatch.setitem(contender.LONGEST, "cpu", 0.2)
    hanging = contender.Contender("benchmarks.engine", SPEC)
    with pytest.raises(contender.ContenderError, match="exit -9"):
        hanging.answer()
    hanging.close()


def test_points_that_start_together_are_measured_like_others(monkeypatch):
    """On a GPU all processes start first. Here the CPU stands in for the GPU."""
    monkeypatch.setattr(scaling, "SMALL", scaling.SMALL | comparisons.QUICK | {"rows": 100_000})
    start = scaling._start
    monkeypatch.setattr(
        scaling, "_start", lambda spec, stack: start(spec | {"device": "cpu"}, stack)
    )
    points = scaling.measure("cuda", 1, True, 0.01, lambda *_: None)
    panels = scaling.panels("cuda", True)
    places = [(panel.key, value) for panel in panels for value in panel.values]
    assert [(point.key, point.value) for point in points] == places
    assert all(point.milliseconds > 0 for point in points)
