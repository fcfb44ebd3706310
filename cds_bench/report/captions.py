"""What tables and figures say in the same words: names, numbers, notes and parts of captions."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.statistics.summary import IQM

LABELS = {IQM: "IQM"}  # rows whose label is not their name


def label(config: Config, sharing: str) -> str:
    """A strategy's name; of a reference, that it is one."""
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
    """What the rows' notes say, once per method and text, with the tasks it holds for."""
    lacking = rows[rows["note"] != ""]
    grouped = lacking.groupby(["algorithm", "sharing", "note"], sort=False)["task"]
    return tuple(
        f"{algorithm}, {sharing} ({', '.join(LABELS.get(task, task) for task in tasks)}): {text}"
        for (algorithm, sharing, text), tasks in grouped
    )


def seeds_caption(config: Config) -> str:
    """What a score is: snapshots, episodes, seeds and their interval; for tables and figures."""
    protocol, n = config.protocol, config.seeds
    return (
        f"A seed's score is the mean over its run's last {protocol.final_snapshots} snapshots, "
        f"never the best one, of {protocol.final_episodes} episodes each. n = {n} training "
        f"seed{'s' if n > 1 else ''} unless a cell says otherwise; in brackets the "
        f"{percent(config)} Student-t interval over seeds ({_width(config)})."
    )


def _width(config: Config) -> str:
    """What a reader must know of the intervals at the configuration's n."""
    if config.seeds == 1:
        return "one seed has none"
    return "it is wide where seeds are few, and can reach beyond the scores that are possible"


def percent(config: Config) -> str:
    return f"{100 * config.protocol.confidence:g} %"


def by_success(suite: str) -> bool:
    """Whether a suite's scores are success rates; its tasks have one metric."""
    return envs.TASKS[envs.SUITES[suite].tasks[0]].metric == "success"


def unit(suite: str) -> str:
    """What a suite's scores are, in words."""
    if by_success(suite):
        return "Success rate ×100 (solved at any time of an episode)"
    return "Normalised score ×100 (0 = random policy, 100 = the task's expert behaviour policy)"


def provenance(config: Config) -> str:
    return f"Profile {config.profile}; protocol {config.protocol_sha256[:12]}."
