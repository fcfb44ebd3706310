import sys

import pytest

from cds_bench.errors import BenchError
from cds_bench.report.tensorboard import write_events
from cds_bench.statistics.metrics import read_run_metrics
from cds_bench.storage import paths
from tests.report import synthetic


def test_events_are_the_logged_metrics(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is optional"
    )
    config = synthetic.config(tmp_path, sharing={"cds": {}})
    with pytest.raises(BenchError, match="no run has logged anything"):
        write_events(config)
    synthetic.write(config)
    place = write_events(config)
    logged = read_run_metrics(
        paths.run(config, synthetic.SUITE, "cql", "cds", "0-2"), synthetic.SUITE, range(3)
    )
    found = accumulator.EventAccumulator(str(place / synthetic.SUITE / "cql" / "cds" / "seed1"))
    found.Reload()
    for (metric, source, target), rows in logged[logged["seed"] == 1].groupby(
        ["metric", "source", "target"]
    ):
        events = found.Scalars(f"{metric}/{source}/{target}")
        assert [event.step for event in events] == rows["step"].tolist()
        assert [event.value for event in events] == pytest.approx(rows["value"].tolist())
    assert write_events(config) == place, "a second time, earlier files are replaced"
    assert len(list((place / synthetic.SUITE / "cql" / "cds" / "seed1").iterdir())) == 1


def test_without_tensorboard_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BenchError, match="pip install tensorboard"):
        write_events(synthetic.config(tmp_path))
