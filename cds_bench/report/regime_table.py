"""The table of the regime: whether the runs are long enough to judge strategies."""

import pandas as pd

from cds_bench.config import Config
from cds_bench.config.horizons import warnings
from cds_bench.report.captions import hundred, protocol
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics.conditions import (
    BEATS_CLONING,
    BEATS_RANDOM,
    CRITIC,
    FLAT,
    HORIZONS,
    NO_DATA,
    NO_SHARING,
    NOT_ASKED,
    NOT_MET,
    checks,
)
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.shift import read_shift
from cds_bench.storage import paths

TITLES = {
    HORIZONS: "horizons covered",
    BEATS_CLONING: "average above cloning",
    BEATS_RANDOM: "every task above random",
    CRITIC: "Q at the start near the return",
    FLAT: "flat last fifth",
}


def conditions(config: Config) -> Made:
    """The conditions, computed from scores.csv, shift.csv and the references."""
    frame = checks(config, read_scores(paths.scores(config)), read_shift(config))
    return Made(frame, table(config, frame))


def table(config: Config, frame: pd.DataFrame) -> Table:
    """A row per suite and algorithm and a column per condition. Conditions not met are bold."""
    rows = tuple(
        (f"{suite}, {algorithm}", tuple(_cell(config, row) for row in group.itertuples()))
        for (suite, algorithm), group in frame.groupby(["suite", "algorithm"], sort=False)
    )
    title = "" if rows else f"no algorithm is trained with {NO_SHARING}"
    return Table(
        title="Whether the runs are long enough to judge strategies",
        label="suite, algorithm",
        blocks=(Block(title, tuple(TITLES.values()), rows, left=len(TITLES)),),
        caption=(
            f"All conditions are about {NO_SHARING}. The first column compares steps × target rate "
            "× (1 − discount) with the number that the profile needs. The second compares the "
            "average ×100 with that of bc on the same seeds. The third shows the task with the "
            "smallest margin over the random policy, ×100. The fourth compares the mean of the "
            "smaller critic at initial states with the discounted return, for the task where they "
            "differ most; a factor of 2 is allowed. The last is the change of the average ×100 "
            "over the last fifth of training, which must be below one standard deviation between "
            "seeds.",
            *warnings(config),
        ),
        protocol=protocol(config),
    )


def _cell(config: Config, row) -> Cell:
    if row.verdict == NOT_ASKED:
        return Cell("–")
    details = [row.note] if row.verdict == NO_DATA else [_numbers(row)]
    if row.verdict != NO_DATA and row.n < config.seeds:
        details.append(f"n = {row.n}")
    return Cell(row.verdict, tuple(filter(None, details)), bold=row.verdict == NOT_MET)


def _numbers(row) -> str:
    """The measured value and the value that it is compared with, in the condition's units."""
    if row.condition == HORIZONS:
        return f"{row.value:.2f}, needs {row.against:g}"
    if row.condition == CRITIC:
        return f"{row.note}: Q {row.value:.3g}, return {row.against:.3g}"
    if row.condition == FLAT:
        return f"{hundred(row.value, sign='+')}, deviation {hundred(row.against)}"
    name = f"{row.note}: " if row.note else ""
    return f"{name}{hundred(row.value)} against {hundred(row.against)}"
