"""What `cds-bench tables` makes of results that do not fit the profile."""

import pytest

from cds_bench.errors import BenchError
from cds_bench.report.making import make
from cds_bench.report.product import TABLE
from cds_bench.report.results_so_far import write_results_so_far
from cds_bench.statistics import merging
from cds_bench.storage import paths
from tests.report import synthetic

SUITE = synthetic.SUITE


def test_scores_of_another_protocol_make_no_table(tmp_path):
    """The old table is removed: the page states today's protocol for all of its tables."""
    config = synthetic.config(tmp_path)
    synthetic.write(config)
    merging.write_suite(config, SUITE)
    make(config, "table", SUITE)
    files = [paths.table(config, "", extension, SUITE) for extension in TABLE]
    assert all(file.exists() for file in files)
    more = config.protocol.model_copy(update={"final_episodes": config.protocol.final_episodes + 1})
    with pytest.raises(BenchError, match=r"column 'episodes': .* not the protocol's"):
        write_results_so_far(config.model_copy(update={"protocol": more}))
    assert not paths.scores(config, SUITE).exists()
    assert not any(file.exists() for file in files)
