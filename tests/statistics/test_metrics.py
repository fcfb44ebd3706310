"""Metrics of training: whose they are."""

from cds_bench.statistics import metrics
from cds_bench.storage import files, paths
from tests.report import synthetic

KEY = (synthetic.SUITE, "cql", "cds", "0-2")


def test_a_seed_that_diverged_is_in_no_mean_over_seeds(tmp_path):
    """Its rows end early, so late means would be over fewer seeds than early ones."""
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    path = paths.run(config, *KEY) / "metrics.csv"
    frame = metrics.read_csv(path)
    files.write_csv(path, frame[(frame["seed"] != 1) | (frame["step"] < 50_000)])
    failure = {"seed": 1, "step": 50_000, "reason": "critic_loss is not finite"}
    synthetic.seal(config, KEY, failures=[failure])
    found = metrics.read_metrics(config, *KEY[:3], [metrics.WEIGHT])
    assert found["seed"].unique().tolist() == [0, 2]
