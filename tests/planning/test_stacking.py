"""How many seeds a job trains together: the choice, and the file that keeps it."""

import pytest

from cds_bench.cli import looking
from cds_bench.cli.app import load_profile
from cds_bench.config import load, parse, part
from cds_bench.errors import BenchError
from cds_bench.planning import gpus, memory, stacking, text
from cds_bench.storage import paths
from cds_bench.storage.files import write_json
from tests.projects import ROOT

GIB = 2**30


def profile(tmp_path, **values):
    defaults = {
        "results": str(tmp_path), "suites": {"walker2d-mixed": {}}, "algorithms": {"cql": {}},
        "sharing": {"cds": {}}, "seeds": 12,
    }  # fmt: skip
    return parse(defaults | values, "test")


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """The memory of each GPU that torch finds: at first there is none."""
    sizes: list[int] = []
    monkeypatch.setattr(gpus, "memory", lambda: sizes)
    return sizes


def trained(config, seeds: str) -> None:
    write_json(paths.run(config, "walker2d-mixed", "cql", "cds", seeds) / "run.json", {})


@pytest.mark.parametrize(
    ("seeds", "available", "expected"),
    [(10, 110, 10), (10, 109, 5), (10, 60, 5), (10, 30, 2), (10, 0, 1), (7, 79, 1), (7, 80, 7)],
)
def test_a_stack_is_the_largest_divisor_that_fits(seeds, available, expected):
    assert stacking.stack(seeds, 10, 10, available) == expected


@pytest.mark.parametrize(("seeds", "expected"), [(1, 1), (3, 3), (7, 1), (10, 5), (12, 4)])
def test_on_a_cpu_several_jobs_share_the_seeds(tmp_path, seeds, expected):
    settled, choice = stacking.settle(profile(tmp_path, seeds=seeds))
    assert settled.seeds_per_job == choice.seeds_per_job == expected
    assert "no GPU" in choice.reason
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_a_gpu_gets_all_seeds_up_to_its_memory(tmp_path, found):
    config = profile(tmp_path)
    each = memory.per_seed(config, "walker2d-mixed", "cql")
    fixed = memory.fixed(config, "walker2d-mixed")
    for seeds in (12, 6, 1):
        found[:] = [80 * GIB, round((fixed + seeds * each) / stacking.USABLE) + 1]
        _, choice = stacking.settle(config)
        assert choice.seeds_per_job == seeds, "the smallest GPU decides"
        assert f"{seeds} of 12 seeds" in choice.reason
    found[:] = [80 * GIB]
    on_cpu = profile(tmp_path, training={"device": "cpu"})
    assert stacking.settle(on_cpu)[1].seeds_per_job == 4


def test_a_gpu_elsewhere_gets_all_seeds(tmp_path):
    _, choice = stacking.settle(profile(tmp_path, training={"device": "cuda"}))
    assert (choice.seeds_per_job, "could be asked" in choice.reason) == (12, True)


def test_the_choice_is_kept_for_other_machines(tmp_path, found):
    found.append(80 * GIB)
    config, choice = stacking.settle(profile(tmp_path))
    stacking.keep(config, choice)
    found.clear()
    again, kept = stacking.settle(profile(tmp_path))
    assert (again.seeds_per_job, kept.reason, kept.new) == (12, choice.reason, False)
    more = profile(tmp_path, seeds=24)
    assert stacking.settle(more)[1].seeds_per_job == 12, "adding seeds repeats nothing"
    other = stacking.Choice(4, "a CPU", new=True)
    with pytest.raises(BenchError, match="another process has just chosen 12 seeds per job"):
        stacking.keep(config, other)


def test_a_number_in_the_profile_decides(tmp_path):
    write_json(paths.stacking(profile(tmp_path)), {"seeds_per_job": 12, "reason": ""})
    config = profile(tmp_path, seeds_per_job=2)
    settled, choice = stacking.settle(config)
    assert (settled, choice.new) == (config, False)


def test_runs_that_exist_keep_their_groups(tmp_path):
    config = profile(tmp_path)
    trained(config, "0-2")
    (paths.run(config, "walker2d-mixed", "cql", "cds", "3-8")).mkdir()  # nothing in it
    _, choice = stacking.settle(config)
    assert (choice.seeds_per_job, choice.new) == (3, True)
    with pytest.raises(BenchError, match=r"13 is not a multiple of 3, .*; use 15 seeds, or "):
        stacking.settle(profile(tmp_path, seeds=13))


def test_a_kept_number_that_no_longer_fits(tmp_path):
    """It is chosen again as long as nothing has been trained."""
    config, choice = stacking.settle(profile(tmp_path, seeds=10))
    stacking.keep(config, choice)
    config, choice = stacking.settle(profile(tmp_path, seeds=12))
    assert (choice.seeds_per_job, choice.new) == (4, True)
    stacking.keep(config, choice)
    assert stacking.read(config).seeds_per_job == 4
    trained(config, "0-3")
    with pytest.raises(BenchError, match=r"seeds: 10 is not a multiple of 4, .*; use 12 seeds, or"):
        stacking.settle(profile(tmp_path, seeds=10))


def test_plan_keeps_the_number_for_the_workflow(tmp_path, found, monkeypatch, capsys):
    """A node with a GPU chooses it, and the login node, which has none, reads it."""
    found.append(80 * GIB)
    monkeypatch.setattr(text, "estimate", lambda settings, cores: (f"{settings.seed_groups}", {}))
    source = profile(tmp_path).model_dump_json()
    looking.plan(source)
    found.clear()
    printed = capsys.readouterr().out
    assert "[(0, 11)]" in printed
    assert "Seeds per job: 12 (12 of 12 seeds need an estimated" in printed
    looking.show(source)
    printed = capsys.readouterr()
    assert '"seeds_per_job": 12' in printed.out
    assert "seeds_per_job: 12 (12 of 12 seeds need" in printed.err


def test_a_damaged_file_is_named(tmp_path):
    config = profile(tmp_path)
    write_json(paths.stacking(config), {"seeds_per_job": 0, "reason": ""})
    with pytest.raises(BenchError, match=r"seeds_per_job.json: seeds_per_job: .*; delete it"):
        stacking.settle(config)


def test_a_job_that_reads_no_runs_is_not_asked_about_them(tmp_path):
    config = profile(tmp_path, seeds=4, seeds_per_job=2)
    trained(config, "0-1")
    kept = load_profile(part(config, "suites", "algorithms", "sharing"))
    assert kept.seeds_per_job == "auto", "and 3, the default for seeds, is compared with nothing"
    assert load_profile(part(config, "suites", "seeds")).seeds_per_job == 2


def test_an_open_number_does_not_pass_silently(tmp_path):
    config = profile(tmp_path)
    assert '"seeds_per_job": "auto"' in part(config, "seeds_per_job")
    with pytest.raises(BenchError, match="seeds_per_job: is 'auto' here"):
        _ = config.seed_groups


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "config").glob("*.yaml")))
def test_every_profile_has_an_estimate(path):
    config = load(path)
    number, _ = stacking.on_gpu(config, 80 * GIB)
    assert number == config.seeds, "an 80 GB card holds every shipped stack"
