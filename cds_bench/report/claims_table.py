"""The table of the paper's claims and of what the scores say about them."""

import numpy as np

from cds_bench.config import Config
from cds_bench.report.captions import p_value, protocol
from cds_bench.report.making import Made
from cds_bench.report.table_formats import Block, Cell, Table
from cds_bench.statistics.claims_on_sharing import RELATIVE_MARGIN
from cds_bench.statistics.decisions import COLUMNS, OVERALL, UNDECIDED, undecidable
from cds_bench.statistics.schema import check_columns, read_csv
from cds_bench.storage import paths

CLAIMS = {
    1: "Sharing data across all tasks is often worse than no sharing",
    2: "Sharing increases the distribution shift",
    3: "CDS is best or comparable on every domain",
    4: "CDS improves over the next best method by 17.5 % on average over domains",
    5: "CDS works with a value-conservative (CQL) and a policy-constraint learner (BRAC)",
    6: "Under conditions, CDS gives safe policy improvement",
    7: "CDS weighs a transition by its estimated improvement over the target's behaviour policy",
}
HUNDRED = (1, 3, 5, 6)  # whose rows are scores or shares, shown x100
FINE = (2, 7)  # whose rows are divergences or correlations, shown with two digits
COUNTS = (1, 2, 3, 5, 6, 7)  # whose overall rows count suites, domains, learners or cases


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
    stated, learner = config.protocol, next(iter(config.algorithms))
    return Table(
        title="The paper's claims, tested",
        label="scope",
        blocks=tuple(blocks),
        caption=(
            "Supported, contradicted, equivalent and the verdicts of claim 4 are findings at "
            f"{100 * (1 - stated.confidence):.2g} %; undecided is none of them. n needed: the "
            "seeds that would decide an effect of the size seen with a power of 80 % (paired "
            "t-test). It is a range, because few seeds say little of that size: it goes by the "
            "80 % interval of the effect, and is open where that holds 0. Tests are paired, exact "
            "sign-flip permutations over seeds, "
            f"{stated.correction.capitalize()}-corrected within a claim over suites or domains; "
            "normalised scores or success rates x100, averaged over tasks.",
            f"1 and 2: by suite with {learner}. Equivalent: within {100 * stated.margin:g} "
            f"points (1), or within {100 * RELATIVE_MARGIN:g} % of no_sharing's divergence (2). "
            "The whole is what more than half of at least three suites say. 3: supported where cds "
            "is above every other method minus a margin of "
            f"{100 * stated.margin:g} points, contradicted where it is below one by more. "
            "cds_basic and cds_uds are variants of cds, not other methods. 4: in points, then in "
            "per cent; positive where cds is above every other method; the interval is a "
            "percentile bootstrap that chooses the next best again in every resample. 5: supported "
            "where cds is above both no_sharing and sharing_all, over all domains, which weigh the "
            "same. 6 and 7: decided by the simulation of random MDPs (paper_table_theory), so that "
            "n counts MDPs. 6: safe where cds loses more than 1 % of the optimal value in at most "
            "5 % of the MDPs, and gains on average. 7: where the correlation is above 0.",
            *undecidable(config, len(config.suites), "suites"),
        ),
        protocol=protocol(config),
    )


def _cells(row) -> tuple[Cell, ...]:
    measure = Cell(row.measure, (f"({row.note})",) if row.note else ())
    if row.n == 0:
        return (Cell(row.verdict), measure, Cell("0"), *[Cell("–")] * 4)
    whole = row.scope == OVERALL and row.claim in COUNTS
    unit = 100.0 if row.claim in HUNDRED and not whole else 1.0
    digits = 0 if whole else 2 if row.claim in FINE else 1
    interval = "–"
    if np.isfinite(row.low):
        interval = f"[{_number(row.low * unit, digits)}, {_number(row.high * unit, digits)}]"
    return (
        Cell(row.verdict, bold=row.verdict != UNDECIDED),
        measure,
        Cell(str(row.n)),
        Cell("–" if np.isnan(row.estimate) else _number(row.estimate * unit, digits)),
        Cell(interval),
        Cell(p_value(row.p)),
        Cell(_needed(row.seeds_fewest, row.seeds_most)),
    )


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def _needed(fewest: float, most: float) -> str:
    if np.isnan(fewest):
        return "–"
    if np.isinf(fewest):
        return "> 1000"
    if np.isinf(most):
        return f"{fewest:.0f} or more"
    return f"{fewest:.0f}" if fewest == most else f"{fewest:.0f} to {most:.0f}"
