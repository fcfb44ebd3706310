import numpy as np
import pandas as pd
import pytest

from cds_bench.errors import BenchError
from cds_bench.statistics import schema
from cds_bench.storage import files, paths
from cds_bench.storage.columns import SCORES
from tests.report import synthetic

SUITE = synthetic.SUITE


@pytest.fixture
def frame():
    return synthetic.run_scores(synthetic.SUITE, "cql", "cds", range(2))


def test_a_good_frame_passes_with_ordered_columns_and_types(frame):
    shuffled = frame[frame.columns[::-1]].astype({"seed": float})
    checked = schema.validate(shuffled, "x.csv")
    assert list(checked) == SCORES
    assert checked["seed"].dtype == np.int64
    pd.testing.assert_frame_equal(checked["score"].to_frame(), frame["score"].to_frame())


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", np.nan, r"column 'score': 1 values are not a finite number \(first at row 4"),
        ("normalized_score", np.inf, r"column 'normalized_score': 1 values are not a finite"),
        ("score", "12,5", r"column 'score'.*row 4: got '12,5'"),
        ("seed", 0.5, r"column 'seed': 1 values are not an integer of at least 0"),
        ("episodes", 0, r"column 'episodes': 1 values are not an integer of at least 1"),
        ("metric", "reward", r"column 'metric': unknown name 'reward' at row 4"),
        (
            "suite",
            "walker2d-mixd",
            r"column 'suite': unknown name 'walker2d-mixd' at row 4; did you mean 'walker2d-mixed'",
        ),
        (
            "task",
            "run-foward",
            r"column 'task': unknown name 'run-foward' at row 4; did you mean 'run-forward'",
        ),
        ("domain", "vision", r"column 'domain': unknown name 'vision' at row 4"),
        ("algorithm", None, r"column 'algorithm': 1 values are not a name \(first at row 4"),
    ],
)
def test_bad_values_are_refused_with_file_column_and_row(frame, column, value, message):
    frame = frame.astype({column: object})
    frame.loc[3, column] = value
    with pytest.raises(BenchError, match=r"x\.csv: " + message):
        schema.validate(frame, "x.csv")


def test_missing_extra_and_duplicate(frame):
    with pytest.raises(BenchError, match=r"x\.csv: column 'step' is missing"):
        schema.validate(frame.drop(columns="step"), "x.csv")
    with pytest.raises(BenchError, match="unexpected column 'scores'; did you mean 'score'"):
        schema.validate(frame.assign(scores=1), "x.csv")
    at_end = frame.assign(metric="success_at_end")
    assert len(schema.validate(pd.concat([frame, at_end]), "x.csv")) == 2 * len(frame)
    twice = pd.concat([frame, frame.iloc[[5]]])
    with pytest.raises(BenchError, match=rf"rows 6 and {len(frame) + 1} have the same key"):
        schema.validate(twice, "x.csv")


def test_unreadable_files(tmp_path):
    with pytest.raises(BenchError, match="no such file"):
        schema.read_scores(tmp_path / "scores.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(BenchError, match="not a CSV table"):
        schema.read_scores(tmp_path / "empty.csv")


def test_merge_sorts_by_the_configuration_and_skips_missing_runs(tmp_path):
    config = synthetic.config(tmp_path, seeds_per_job=1)
    synthetic.write(config)
    paths.run_scores(config, synthetic.SUITE, "cql", "hipi", "1-1").unlink()
    schema.write_scores(config, SUITE)
    merged = schema.read_scores(paths.scores(config, SUITE))
    assert list(merged["task"].unique()) == ["run-forward", "run-backward", "jump"]
    first = merged[merged["task"] == "run-forward"]
    assert list(first["sharing"].unique()) == list(synthetic.SHARING)
    assert list(first.loc[first["sharing"] == "hipi", "seed"].unique()) == [0, 2]
    assert (
        first.groupby(["sharing", "seed"])["step"].apply(lambda s: s.is_monotonic_increasing).all()
    )


def test_merge_takes_external_files_and_writes_a_header_without_runs(tmp_path):
    config = synthetic.config(tmp_path)
    schema.write_scores(config, SUITE)
    assert len(schema.read_scores(paths.scores(config, SUITE))) == 0
    other = synthetic.run_scores(SUITE, "utds", "all", range(3))
    files.write_csv(tmp_path / "utds.csv", other)
    found = schema.merge(config, SUITE, [tmp_path / "utds.csv"])
    assert set(found["algorithm"]) == {"utds"}
    assert len(found) == len(other)


def test_merge_refuses_rows_of_another_run(tmp_path):
    config = synthetic.config(tmp_path)
    key = (synthetic.SUITE, "cql", "cds", "0-2")
    path = paths.run_scores(config, *key)
    files.write_csv(path, synthetic.run_scores(synthetic.SUITE, "cql", "hipi", range(3)))
    synthetic.seal(config, key)
    with pytest.raises(BenchError, match=r"seeds0-2.csv: column 'sharing'.*'cds'.*path says"):
        schema.merge(config, SUITE)
    files.write_csv(path, synthetic.run_scores(synthetic.SUITE, "cql", "cds", range(4)))
    synthetic.seal(config, key)
    with pytest.raises(BenchError, match=r"column 'seed'.*in 0 to 2"):
        schema.merge(config, SUITE)
