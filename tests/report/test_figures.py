import numpy as np
import pandas as pd
import pytest

import envs
from cds_bench.errors import BenchError
from cds_bench.report import figures, heatmaps, improvement_figure, plotting
from cds_bench.report.making import make
from cds_bench.report.shift_table import spread
from cds_bench.statistics import schema
from cds_bench.statistics.comparisons import write_comparisons
from cds_bench.statistics.metrics import SHARE, WEIGHT, read_metrics
from cds_bench.storage import files, paths
from cds_bench.storage.columns import METRICS
from tests.report import synthetic

SUITE = synthetic.SUITE
NAMES = ("learning_curves", "aggregates", "profiles", "improvement", "cql_sharing")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = synthetic.config(tmp_path_factory.mktemp("results"))
    synthetic.write(config)
    schema.write_scores(config, SUITE)
    write_comparisons(config, SUITE)
    return config


def test_figures_are_written_and_the_same_bytes_again(config):
    found = {
        extension: [paths.figure(config, name, extension, SUITE) for name in NAMES]
        for extension in ("png", "svg")
    }
    make(config, "figures", SUITE)
    first = {kind: [path.read_bytes() for path in files] for kind, files in found.items()}
    assert found["png"][0].name == "walker2d_mixed_learning_curves.png"
    assert all(image.startswith(b"\x89PNG") for image in first["png"])
    assert all(b"<svg" in image and b"dc:date" not in image for image in first["svg"])
    assert min(len(image) for images in first.values() for image in images) > 10_000
    make(config, "figures", SUITE)
    assert first == {kind: [path.read_bytes() for path in files] for kind, files in found.items()}


def test_missing_runs_do_not_fail(tmp_path):
    config = synthetic.config(
        tmp_path, algorithms={"cql": {}, "brac": {}}, seeds=2, seeds_per_job=1
    )
    schema.write_scores(config, SUITE)  # only a header
    write_comparisons(config, SUITE)
    make(config, "figures", SUITE)
    part = synthetic.config(tmp_path, seeds=2, seeds_per_job=1, sharing={"hipi": {}})
    synthetic.write(part)
    schema.write_scores(config, SUITE)
    write_comparisons(config, SUITE)
    make(config, "figures", SUITE)
    assert all(paths.figure(config, name, "svg", SUITE).exists() for name in NAMES)


def test_captions_state_n(config):
    scores = schema.read_scores(paths.scores(config, SUITE))
    made = figures.learning_curves(config, scores, SUITE)
    assert "n = 3 seeds" in made._suptitle.get_text()
    fewer = scores[~((scores["sharing"] == "cds") & (scores["seed"] == 2))]
    made = figures.learning_curves(config, fewer, SUITE)
    assert "n = 2 to 3 of 3 seeds" in made._suptitle.get_text()
    assert made.axes[0].get_ylabel() == "normalised score ×100"
    assert made.axes[0].get_xlabel() == "gradient steps"


def test_axes_of_success_tasks_say_success(tmp_path):
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    scores = schema.merge(config, maze)
    for draw in (figures.learning_curves, figures.aggregates):
        made = draw(config, scores, maze)
        labels = {axes.get_ylabel() for axes in made.axes} | {a.get_xlabel() for a in made.axes}
        assert "success rate ×100" in labels
        assert "random policy" not in made._suptitle.get_text()


def test_a_strategy_always_looks_the_same_and_strategies_differ():
    names = [*plotting.KNOWN, "cds", "mine"]
    looks = plotting.styles(names)
    assert len({str(look) for look in looks.values()}) == len(names)
    assert looks["cds"] == plotting.BLACK
    for name in names:
        assert plotting.styles([name]) == {name: looks[name]}, "the other names do not matter"
    others = plotting.in_turn([f"task{number}" for number in range(40)])
    assert len({str(look) for look in others.values()}) == 40


def test_each_panel_of_learning_curves_has_an_axis_that_fits_it(config):
    scores = schema.read_scores(paths.scores(config, SUITE))
    large = scores["task"] == "jump"
    scores.loc[large, "normalized_score"] *= 5
    made = figures.learning_curves(config, scores, SUITE)
    tops = [axes.get_ylim()[1] for axes in made.axes[:3]]
    assert tops[2] > 3 * max(tops[:2])


def test_mazes_are_shown_as_maps(tmp_path):
    maze = "pointmaze-medium-directed"
    config = synthetic.config(tmp_path, suites={maze: {}})
    synthetic.write(config)
    made = figures.learning_curves(config, schema.merge(config, maze), maze)
    first = made.axes[0]
    assert first.get_title() == "goal"
    (small,) = first.child_axes
    stars = [line for line in small.lines if line.get_marker() == "*"]
    floor = envs.TASKS["pointmaze-medium-0-16"].floor
    assert [tuple(map(float, star.get_xydata()[0])) for star in stars] == [floor.goal]
    assert len(small.patches) == len(floor.walls)


def test_labels_are_spread_as_little_as_possible():
    assert spread([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6, 0.7])
    assert spread([0.95, 0.99, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])


def test_improvement_is_drawn_for_every_pair(config):
    frame = improvement_figure.improvement(config, SUITE)
    axes = frame.figure.axes[0]
    left = [text.get_text() for text in axes.get_yticklabels()]
    assert left == [name for name in config.sharing if name != "cds"]
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    table = pd.read_csv(paths.comparisons(config, SUITE))
    assert points == table.loc[table["task"] == "average", "improvement"].tolist()


def test_thirds_by_hand():
    rows = [
        (seed, step, "weight", "b", "a", seed + step)
        for seed in (0, 2)
        for step in (10, 20, 30, 40, 50, 60)
    ]
    frame = pd.DataFrame([*rows, (0, 10, "loss", None, None, 9.0)], columns=METRICS)
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
    synthetic.seal(config, (SUITE, "cql", "cds", "1-1"))
    with pytest.raises(BenchError, match=r"metrics.csv: column 'source' is missing"):
        read_metrics(config, SUITE, "cql", "cds", (WEIGHT, SHARE))


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (0.0, "0"), (0.426, ".43"), (0.999, "1")])
def test_short_numbers(value, text):
    assert heatmaps._short(value) == text
