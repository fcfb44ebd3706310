"""The table of the paper's claims and of what the scores say about them."""

import numpy as np

from cds_bench.config import Config
from cds_bench.report.captions import p_value, provenance, seeds_caption
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics.decisions import COLUMNS, OVERALL, UNDECIDED
from cds_bench.statistics.schema import check_columns, read_csv
from cds_bench.storage import paths

CLAIMS = {
    1: "Sharing data across all tasks is often worse than no sharing",
    2: "Sharing increases the distribution shift",
    3: "CDS is best or comparable on every domain",
    4: "CDS improves over the next best method by 17.5 % on average over domains",
    5: "CDS works with a value-conservative (CQL) and a policy-constraint learner (BRAC)",
}
HUNDRED = (1, 3, 5)  # claims whose rows are scores, shown x100
NATS = 2  # the claim whose rows are divergences
SHARES = (1, 2, 3)  # claims whose overall rows are shares of suites or domains


def tested(config: Config) -> Made:
    """The rows of claims.csv as a table."""
    path = paths.claims(config)
    frame = read_csv(path)
    check_columns(frame, COLUMNS, str(path))
    frame["note"] = frame["note"].astype("string").fillna("")
    return Made(frame, table(config, frame))


def table(config: Config, frame) -> Table:
    """A block per claim. Its rows are scopes, and the last row is the claim as a whole."""
    columns = ("verdict", "measure", "n", "estimate", "interval", "p (corr.)", "n needed")
    blocks = []
    for claim, rows in frame.groupby("claim", sort=False):
        lines = tuple((row.scope, _cells(row)) for row in rows.itertuples())
        rules = (len(lines) - 1,) if rows["scope"].iloc[-1] == OVERALL and len(lines) > 1 else ()
        blocks.append(Block(f"{claim}. {CLAIMS[claim]}", columns, lines, rules, left=2))
    protocol = config.protocol
    return Table(
        title="The paper's claims, tested",
        label="scope",
        blocks=tuple(blocks),
        caption=(
            "Supported and contradicted are findings at "
            f"{100 * (1 - protocol.confidence):.2g} %; undecided is neither. n needed is the "
            "number of seeds at which a paired t-test would detect an effect of the observed size "
            "with a power of 80 % (– if it is not known, > 1000 if the effect is tiny). The tests "
            "are paired, exact sign-flip permutation tests over seeds, "
            f"{protocol.correction.capitalize()}-corrected within a claim that has several. Scores "
            "are normalised scores or success rates x100, averaged over tasks.",
            f"Claims 1 and 2 are tested per suite with {next(iter(config.algorithms))}; the whole "
            "is supported if at least half of the suites support it. Claim 3 is supported if cds "
            "is non-inferior to every other method by a margin of "
            f"{100 * protocol.margin:g}, and contradicted if it is below one; the whole needs all "
            "four of the paper's domains. cds_basic and cds_uds are variants of cds, not other "
            "methods. For claim 4, the next best method and its mean are taken from the other "
            "seeds; the claim is contradicted if the improvement is below 17.5, and otherwise "
            "supported if it is above 0. Claim 5 is supported if cds is above both no_sharing and "
            "sharing_all over all suites.",
            seeds_caption(config),
            provenance(config),
        ),
    )


def _cells(row) -> tuple[Cell, ...]:
    measure = Cell(row.measure, (f"({row.note})",) if row.note else ())
    if row.n == 0:
        return (Cell(row.verdict), measure, Cell("0"), *[Cell("–")] * 4)
    share = row.scope == OVERALL and row.claim in SHARES
    unit = 100.0 if share or row.claim in HUNDRED else 1.0
    suffix = " %" if share else ""
    digits = 2 if row.claim == NATS and not share else 1
    interval = "–"
    if np.isfinite(row.low):
        interval = f"[{_number(row.low * unit, digits)}, {_number(row.high * unit, digits)}]"
    return (
        Cell(row.verdict, bold=row.verdict != UNDECIDED),
        measure,
        Cell(str(row.n)),
        Cell("–" if np.isnan(row.estimate) else f"{_number(row.estimate * unit, digits)}{suffix}"),
        Cell(interval),
        Cell(p_value(row.p)),
        Cell(_needed(row.seeds_needed)),
    )


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def _needed(seeds: float) -> str:
    if np.isnan(seeds):
        return "–"
    return f"{seeds:.0f}" if np.isfinite(seeds) else "> 1000"
