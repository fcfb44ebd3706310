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
    """A block per claim. Its rows are scopes, and its last row is the claim as a whole."""
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
            "Supported, contradicted, equivalent and the verdicts of claim 4 are findings at a "
            f"level of {100 * (1 - stated.confidence):.2g} %; undecided is no finding. n needed is "
            "the number of seeds that would decide an effect of the observed size with a power of "
            "80 % (paired t-test). It is a range, because few seeds tell little about that size. "
            "The range follows from the 80 % interval of the effect, and it is open if that "
            "interval contains 0. The tests are paired, exact sign-flip permutation tests over "
            f"seeds, {stated.correction.capitalize()}-corrected within a claim over suites or "
            "domains. Scores are normalised scores or success rates x100, averaged over tasks.",
            f"Claims 1 and 2 are tested on each suite with {learner}. Equivalent means within "
            f"{100 * stated.margin:g} points (1), or within {100 * RELATIVE_MARGIN:g} % of "
            "no_sharing's divergence (2). As a whole, they have the verdict of more than half of "
            "the suites, if there are at least three. Claim 3 is supported if cds is above every "
            f"other method minus a margin of {100 * stated.margin:g} points, and contradicted if "
            "it is below one of them by more than the margin. cds_basic and cds_uds are variants "
            "of cds, not other methods. Claim 4 is given in points and then in per cent. It is "
            "positive if cds is above every other method. Its interval is a percentile bootstrap "
            "that chooses the next best method again in every resample. Claim 5 is supported if "
            "cds is above both no_sharing and sharing_all over all domains, which have equal "
            "weights. Claims 6 and 7 are decided by the simulation of random MDPs "
            "(paper_table_theory), so n counts MDPs. Claim 6 is supported if cds loses more than "
            "1 % of the optimal value in at most 5 % of the MDPs, and gains on average. Claim 7 is "
            "supported if the correlation is above 0.",
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
