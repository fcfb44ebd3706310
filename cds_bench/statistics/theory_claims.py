"""The paper's claims 6 and 7, decided by the simulation of its theory on random MDPs."""

import pandas as pd

from cds_bench.config import Config
from cds_bench.statistics.decisions import OVERALL, SUPPORTED, Decision
from cds_bench.statistics.reading import check_columns, integers, numbers, one_of, read_csv
from cds_bench.storage import paths
from cds_bench.storage.columns import THEORY, THEORY_COUNTS, THEORY_GAPS
from cds_bench.theory.claims import Verdict, routed, safe
from cds_bench.theory.simulate import CLONE, OPTIMAL
from cds_bench.theory.strategies import STRATEGIES

UNSAFE = "share of MDPs in which cds loses more than 1 % of the optimal value"
FOLLOWS = "rank correlation of cds's weights with the true gain of sharing a pair"


def read_theory(config: Config) -> pd.DataFrame:
    """theory.csv, checked: its columns, and numbers in all of them but the strategy's name."""
    path = paths.theory(config)
    frame = read_csv(path, "run `cds-bench theory` first")
    check_columns(frame, THEORY, str(path))
    one_of(frame, "strategy", (CLONE, *STRATEGIES, OPTIMAL), str(path))
    for column in THEORY_COUNTS:
        frame[column] = integers(frame, column, 0, str(path))
    for column in THEORY:
        if column not in ("strategy", *THEORY_COUNTS):
            frame[column] = numbers(frame, column, str(path), gaps=column in THEORY_GAPS)
    return frame


def theoretical(config: Config) -> list[Decision]:
    """Claims 6 and 7: a row per case, and one for the claim. `n` is the number of MDPs."""
    if config.theory == "none":
        return [Decision(claim, OVERALL, "not run", note="theory: none") for claim in (6, 7)]
    frame, confidence = read_theory(config), config.protocol.confidence
    return [
        *_rows(6, safe(frame, confidence), UNSAFE, "unsafe"),
        *_rows(7, routed(frame, confidence), FOLLOWS, "correlation"),
    ]


def _rows(claim: int, found: Verdict, measure: str, estimate: str) -> list[Decision]:
    verdict, _, numbers_of = found
    rows = [
        Decision(
            claim, f"alpha {alpha:g}, {size} transitions", measure, case["mdps"], case[estimate],
            case["low"], case["high"], verdict=case["verdict"],
        )
        for (alpha, size), case in numbers_of["cases"].items()
    ]  # fmt: skip
    whole = Decision(
        claim, OVERALL, f"cases that support the claim, of {len(rows)}",
        min(row.n for row in rows), sum(row.verdict == SUPPORTED for row in rows), verdict=verdict,
        note="decided at the most transitions" if claim == 6 else "",
    )  # fmt: skip
    return [*rows, whole]
