"""Average ranks over all tasks, as a table and as a figure with the critical difference."""

import pandas as pd
from matplotlib.figure import Figure

from cds_bench.config import Config
from cds_bench.report import plotting
from cds_bench.report.captions import p_value, protocol
from cds_bench.report.making import Made
from cds_bench.report.plotting import GREY
from cds_bench.report.table_formats import MISSING, Block, Cell, Table
from cds_bench.statistics.ranks import ranks
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.significance import FEWEST
from cds_bench.storage import paths


def average_ranks(config: Config) -> Made:
    frame = ranks(config, read_scores(paths.scores(config)))
    return Made(frame, table(config, frame), figure(config, frame))


def table(config: Config, frame: pd.DataFrame) -> Table:
    """A row per method, starting with the best rank."""
    ordered = frame.sort_values("rank", kind="stable")
    rows = tuple((f"{row.algorithm}, {row.sharing}", _cells(row)) for row in ordered.itertuples())
    return Table(
        title="Average ranks over all tasks",
        label="method",
        blocks=(Block("", ("rank", "tasks", "seeds"), rows),),
        protocol=protocol(config),
        caption=(
            "Rank 1 is the best mean of a task, over the seeds that all methods have there (seeds: "
            f"the fewest of a task). {_tests(config, frame)} {_bold(frame)}",
        ),
        notes=(*dict.fromkeys(note for note in frame["note"] if note), *_unranked(config)),
    )


def _unranked(config: Config) -> list[str]:
    """Which configured methods have no rank, and why."""
    if not config.baselines:
        return []
    return [
        f"External baselines ({', '.join(config.baselines)}) have no rank: a task is ranked over "
        "the seeds that all methods have, so that one failed baseline would leave out every task. "
        "Their scores and differences are in the suites' tables."
    ]


def _cells(row) -> tuple[Cell, ...]:
    if row.tasks == 0:
        return (Cell(MISSING), Cell("0"), Cell("0"))
    return (Cell(f"{row.rank:.2f}", bold=row.bold), Cell(str(row.tasks)), Cell(str(row.seeds)))


def _tests(config: Config, frame: pd.DataFrame) -> str:
    first = frame.iloc[0]
    return (
        "Test that all methods rank alike, by exchanging methods within each seed of a suite, all "
        f"its tasks at once: p = {p_value(first.p)}; at "
        f"{100 * (1 - config.protocol.confidence):.2g} %, ranks differ that are more "
        f"than {first.critical_difference:.2f} apart."
    )


def _bold(frame: pd.DataFrame) -> str:
    if frame["seeds"].min() < FEWEST:
        return f"Nothing is bold, because that takes {FEWEST} seeds."
    return "Bold: the best rank, and every rank that does not differ from it."


def figure(config: Config, frame: pd.DataFrame) -> Figure:
    """A line per method with its rank, and the critical difference from the best rank."""
    ordered = frame.sort_values("rank", kind="stable").reset_index(drop=True)
    looks = plotting.styles(list(config.sharing))
    several = len(config.algorithms) > 1
    made = plotting.figure(plotting.WIDTH * 0.75, 1.1 + 0.27 * len(ordered))
    axes = made.subplots()
    for height, row in ordered.iterrows():
        look = looks[row["sharing"]]
        axes.plot(row["rank"], height, marker=look["marker"], ms=6, color=look["color"], zorder=3)
    best, difference = ordered["rank"].min(), ordered["critical_difference"].iloc[0]
    label = "not distinguishable from the best"
    axes.axvspan(best, best + difference, color=GREY, alpha=0.2, lw=0, zorder=0, label=label)
    names = [f"{a}, {s}" if several else s
             for a, s in zip(ordered["algorithm"], ordered["sharing"], strict=True)]  # fmt: skip
    axes.set_yticks(range(len(ordered)), names)
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.set_xlim(0.8, len(ordered) + 0.2)
    axes.set_xlabel("average rank (1 = best)")
    axes.grid(axis="x", color="#e6e6e6", lw=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    made.legend(loc="outside lower center")
    plotting.title(made, "Average ranks over all tasks", _tests(config, frame))
    return made
