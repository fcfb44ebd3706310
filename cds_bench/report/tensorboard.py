"""The logged metrics as TensorBoard's event files (optional: the package tensorboard)."""

import shutil
from pathlib import Path

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.errors import BenchError
from cds_bench.statistics.gaps import seeds_of
from cds_bench.statistics.metrics import FILE, read_run_metrics
from cds_bench.storage import paths


def write_events(config: Config) -> Path:
    """Writes one folder of event files per run and seed, and returns the folder of all.

    A metric keeps its name. Metrics of a pair of tasks are named metric/source/target, with "all"
    for a task that is not named. Earlier event files of the profile are replaced. Raises BenchError
    if no run has logged anything, or if tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BenchError(
            "TensorBoard is not installed; run `.venv/bin/pip install tensorboard`"
        ) from None
    runs = [run for run in jobs.runs(config) if (paths.run(config, *run) / FILE).exists()]
    if not runs:
        raise BenchError(f"{config.folder}: no run has logged anything; run the workflow first")
    shutil.rmtree(place := config.folder / "tensorboard", ignore_errors=True)
    for run in runs:
        frame = read_run_metrics(paths.run(config, *run), run[0], seeds_of(run))
        for seed, rows in frame.groupby("seed"):
            with SummaryWriter(str(place.joinpath(*run[:3], f"seed{seed}"))) as writer:
                for row in rows.itertuples():
                    writer.add_scalar(_tag(row), row.value, row.step)
    return place


def _tag(row) -> str:
    if isinstance(row.source, str) or isinstance(row.target, str):
        named = [name if isinstance(name, str) else "all" for name in (row.source, row.target)]
        return "/".join((row.metric, *named))
    return row.metric
