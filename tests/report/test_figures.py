import numpy as np
import pandas as pd
import pytest

from cds_bench import files, paths
from cds_bench.errors import BenchError
from cds_bench.report import figures, heatmaps, plotting
from cds_bench.statistics import schema
from cds_bench.statistics.metrics import COLUMNS, SHARE, WEIGHT, read_metrics
from tests.report import synthetic

SUITE = synthetic.SUITE
WRITERS = {
    "learning_curves": lambda config: figures.write_learning_curves(config, SUITE),
    "aggregates": lambda config: figures.write_aggregates(config, SUITE),
    "cql_sharing": lambda config: heatmaps.write_sharing(config, SUITE, "cql"),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = synthetic.config(tmp_path_factory.mktemp("results"))
    synthetic.write(config)
    schema.write_scores(config)
    return config


@pytest.mark.parametrize("name", WRITERS)
def test_figures_are_written_and_the_same_bytes_again(config, name):
    found = [paths.figure(config, SUITE, name, extension) for extension in ("png", "svg")]
    WRITERS[name](config)
    first = [path.read_bytes() for path in found]
    assert found[0].name == f"walker2d_mixed_{name}.png"
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
    assert b"dc:date" not in first[1]
    assert min(map(len, first)) > 10_000
    WRITERS[name](config)
    assert first == [path.read_bytes() for path in found]


@pytest.mark.parametrize("name", WRITERS)
def test_missing_runs_are_no_failure(tmp_path, name):
    config = synthetic.config(
        tmp_path, algorithms={"cql": {}, "brac": {}}, seeds=2, seeds_per_job=1
    )
    schema.write_scores(config)  # a header alone
    WRITERS[name](config)
    part = synthetic.config(tmp_path, seeds=2, seeds_per_job=1, sharing={"hipi": {}})
    synthetic.write(part)
    schema.write_scores(config)
    WRITERS[name](config)
    assert paths.figure(config, SUITE, name, "svg").exists()


def test_captions_say_n(config):
    scores = schema.read_scores(paths.scores(config))
    made = figures.learning_curves(config, scores, SUITE)
    assert "n = 3 seeds" in made._suptitle.get_text()
    fewer = scores[~((scores["sharing"] == "cds") & (scores["seed"] == 2))]
    made = figures.learning_curves(config, fewer, SUITE)
    assert "n = 2 to 3 of 3 seeds" in made._suptitle.get_text()
    assert made.axes[0].get_ylabel() == "normalised score ×100"
    assert made.axes[0].get_xlabel() == "gradient steps"


def test_axes_say_success_where_it_is(tmp_path):
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    schema.write_scores(config)
    scores = schema.read_scores(paths.scores(config))
    for draw in (figures.learning_curves, figures.aggregates):
        made = draw(config, scores, maze)
        labels = {axes.get_ylabel() for axes in made.axes} | {a.get_xlabel() for a in made.axes}
        assert "success rate ×100" in labels
        assert "random policy" not in made._suptitle.get_text()


def test_styles_differ_and_the_reference_stands_out():
    names = [f"strategy{number}" for number in range(40)]
    looks = plotting.styles([*names, "cds"], "cds")
    assert len({str(look) for look in looks.values()}) == 41
    assert looks["cds"] == plotting.REFERENCE
    assert list(looks) == [*names, "cds"]


def test_thirds_by_hand():
    rows = [
        (seed, step, "weight", "b", "a", seed + step)
        for seed in (0, 2)
        for step in (10, 20, 30, 40, 50, 60)
    ]
    frame = pd.DataFrame([*rows, (0, 10, "loss", None, None, 9.0)], columns=COLUMNS)
    found = heatmaps.thirds(frame, "weight", ("a", "b"))
    assert found[:, 0, 1].tolist() == [16.0, 36.0, 56.0]  # target a, source b; mean seed 1
    assert np.isnan(found[:, 1]).all()
    assert np.isnan(heatmaps.thirds(frame, "effective_share", ("a", "b"))).all()


def test_metrics_are_read_from_every_group_and_checked(tmp_path):
    config = synthetic.config(tmp_path, seeds_per_job=1, sharing={"cds": {}})
    synthetic.write(config)
    found = read_metrics(config, SUITE, "cql", "cds", (WEIGHT, SHARE))
    assert set(found["seed"]) == {0, 1, 2}
    assert set(found["metric"]) == {"weight", "effective_share"}
    path = paths.run(config, SUITE, "cql", "cds", "1-1") / "metrics.csv"
    files.write_csv(path, found.rename(columns={"source": "from"}))
    with pytest.raises(BenchError, match=r"metrics.csv: column 'source' is missing"):
        read_metrics(config, SUITE, "cql", "cds", (WEIGHT, SHARE))


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (0.0, "0"), (0.426, ".43"), (0.999, "1")])
def test_short_numbers(value, text):
    assert heatmaps._short(value) == text
