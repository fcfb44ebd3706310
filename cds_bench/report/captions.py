"""Text that tables and figures share: names, numbers, notes and parts of captions."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.summary import IQM

LABELS = {IQM: "IQM"}  # the labels of rows that are not shown under their own name


def label(config: Config, sharing: str) -> str:
    """A strategy's name, with a mark if it is a reference."""
    return f"{sharing} (reference)" if sharing in config.references else sharing


def hundred(value: float, sign: str = "-") -> str:
    text = f"{100 * value:{sign}.1f}"
    return "0.0" if float(text) == 0 else text


def interval(row, sign: str = "-") -> str:
    if np.isnan(row.low):
        return ""
    return f"[{hundred(row.low, sign)}, {hundred(row.high, sign)}]"


def p_value(value: float) -> str:
    return "–" if np.isnan(value) else "<0.001" if value < 0.001 else f"{value:.3f}"


def missing_notes(rows: pd.DataFrame) -> tuple[str, ...]:
    """A note for each method and text of the rows, with the tasks that it applies to."""
    lacking = rows[rows["note"] != ""]
    grouped = lacking.groupby(["algorithm", "sharing", "note"], sort=False)["task"]
    return tuple(
        f"{algorithm}, {sharing} ({', '.join(LABELS.get(task, task) for task in tasks)}): {text}"
        for (algorithm, sharing, text), tasks in grouped
    )


def seeds_caption(config: Config) -> str:
    """How a score is computed: snapshots, episodes, seeds and the interval over them."""
    protocol, n = config.protocol, config.seeds
    return (
        f"A seed's score is the mean over the last {protocol.final_snapshots} snapshots of its run "
        f"(never the best one), with {protocol.final_episodes} episodes each. n = {n} training "
        f"seed{'s' if n > 1 else ''} unless a cell says otherwise. Brackets contain the "
        f"{percent(config)} Student-t interval over seeds ({_width(config)})."
    )


def _width(config: Config) -> str:
    """What a reader must know about the intervals at the configured number of seeds."""
    if config.seeds == 1:
        return "one seed has none"
    return "with few seeds it is wide, and it can reach beyond the possible scores"


def percent(config: Config) -> str:
    return f"{100 * config.protocol.confidence:g} %"


def by_success(suite: str) -> bool:
    """Whether a suite's scores are success rates. All tasks of a suite have the same metric."""
    return envs.TASKS[envs.SUITES[suite].tasks[0]].metric == "success"


def unit(suite: str) -> str:
    """The unit of a suite's scores, in words."""
    if by_success(suite):
        return "Success rate ×100 (solved at any time of an episode)"
    return "Normalised score ×100 (0 = random policy, 100 = the task's expert behaviour policy)"


def protocol(config: Config) -> tuple[str, str]:
    """What all tables of scores share. The report page states it once."""
    return seeds_caption(config), provenance(config)


def provenance(config: Config) -> str:
    return f"Profile {config.profile}; protocol {config.protocol_sha256[:12]}."
