"""A summary of the simulation, and the verdicts on the paper's claims 6 and 7.

The rules for the verdicts were fixed before any result of the full setting was seen [ours].
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, t

from cds_bench.theory.simulate import BINS, REFERENCES

CASE = ["alpha", "transitions"]
SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
Verdict = tuple[str, str, dict[str, Any]]
DELTA = 0.05  # a safe strategy may fail in this share of the worlds
TOLERATED = 1.0  # per cent of the optimal value; smaller losses do not count as unsafe
ROUNDING = 1e-7  # smaller gaps are rounding errors
MOVED = 1e-3  # smaller changes of a weight do not count
MEANS = [
    "effective_data", "foreign_share", "effective_gap", "scarcity", "divergence", "sampling",
    "conservatism", "constant", "zeta", "gain_correlation", "advantage_correlation",
    "optimal_distance", *(f"weight_q{place + 1}" for place in range(BINS)),
]  # fmt: skip


def summarise(
    frame: pd.DataFrame, by: tuple[str, ...] = tuple(CASE), confidence: float = 0.95
) -> pd.DataFrame:
    """A row per group and strategy of `simulate`'s frame.

    - mdps: the number of rows;
    - below: the share of worlds in which the policy is worse than the behaviour policy of the
      target's data; low, high: the Wilson interval of that share;
    - unsafe: the share of worlds in which it is worse by more than 1 % of the optimal value;
    - shortfall: the mean loss over the worlds counted in below; improvement: the mean gap over all
      worlds; effective_gap: the mean gap of the effective behaviour policy; all in per cent of the
      optimal value;
    - holds: the share of worlds in which value >= behaviour_value - zeta;
    - unsettled: the share of worlds in which the last round still moved a weight.

    All other columns are means.
    """
    scale = np.where(frame["optimal_value"] > 0, frame["optimal_value"], 1)
    below = frame["gap"] < -ROUNDING
    effective = 100 * (frame["effective_value"] - frame["behaviour_value"]) / scale
    frame = frame.assign(
        below=below,
        unsafe=frame["gap"] < -TOLERATED,
        shortfall=-frame["gap"].where(below),
        effective_gap=effective,
        holds=frame["value"] >= frame["behaviour_value"] - frame["zeta"] - ROUNDING,
        unsettled=frame["change"] > MOVED,
    )
    grouped = frame.groupby([*by, "strategy"], sort=False)
    found = grouped[["below", "unsafe", "shortfall", "holds", "unsettled", *MEANS]].mean()
    found.insert(0, "mdps", grouped.size())
    found.insert(4, "improvement", grouped["gap"].mean())
    counts = grouped["below"].sum()
    ends = [wilson(k, n, confidence) for k, n in zip(counts, found["mdps"], strict=True)]
    found.insert(2, "low", [low for low, _ in ends])
    found.insert(3, "high", [high for _, high in ends])
    return found.reset_index()


def conditions(frame: pd.DataFrame) -> pd.DataFrame:
    """`summarise` by one property of the worlds at a time, given in columns `factor` and `level`.

    The properties are coverage and overlap, as drawn, and quality. Quality is the quarter to which
    a world belongs by behaviour_value / optimal_value of the target's own data; 1 is the lowest.
    """
    ratio = frame["behaviour_value"] / frame["optimal_value"].where(frame["optimal_value"] > 0)
    place = ratio.groupby(frame["mdp"]).first().rank(pct=True)
    quarter = np.ceil(4 * place).reindex(frame["mdp"]).to_numpy()
    factors = {"coverage": frame["coverage"], "overlap": frame["overlap"], "quality": quarter}
    return pd.concat(
        summarise(frame.assign(factor=factor, level=level), (*CASE, "factor", "level"))
        for factor, level in factors.items()
    ).sort_values([*CASE, "factor", "level"], kind="stable", ignore_index=True)


def wilson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """The Wilson interval of a share."""
    found = binomtest(int(successes), int(trials)).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def mean_interval(values: pd.Series, confidence: float) -> tuple[float, float, float]:
    """The mean over worlds and its Student-t interval. NaN are left out; NaN for fewer than two."""
    values = values.dropna()
    if len(values) < 2:
        return (np.nan,) * 3
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * values.sem()
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def ordering(frame: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Whether the bound and the true values order strategies alike: a row per alpha and data size.

    For each world, this computes Spearman's correlation of -zeta and the true value over all
    strategies except references. A row has the mean over worlds and its Student-t interval.
    """
    rows = []
    for case, part in frame[~frame["strategy"].isin(REFERENCES)].groupby(CASE):
        ranks = part.groupby("mdp")[["zeta", "value"]].rank()
        ranks["mdp"] = part["mdp"]
        found = ranks.groupby("mdp").apply(lambda world: -world["zeta"].corr(world["value"]))
        rows.append((*case, *mean_interval(found, confidence)))
    return pd.DataFrame(rows, columns=[*CASE, "correlation", "low", "high"])


def safe(frame: pd.DataFrame, confidence: float = 0.95) -> Verdict:
    """Claim 6: under conditions, CDS gives safe policy improvement.

    A world is unsafe if J(cds) is below J(pi_beta) by more than 1 % of the optimal value. A case is
    an alpha and a data size. It is supported if the upper end of the Wilson interval of the unsafe
    share is at most 5 % and the mean gap's interval is above 0. It is contradicted if the lower end
    of the Wilson interval is above 5 % or the mean gap's interval is below 0.

    The theorem's condition is enough effective data. The claim is therefore decided at the largest
    data size. It is supported if every alpha supports it there, contradicted if every alpha
    contradicts it, and else undecided.

    The numbers cover every case. `better_than_<other>` counts the worlds in which only the other
    strategy is unsafe, `worse_than_<other>` those in which only cds is. `p_<other>` is the p-value
    of the exact McNemar test.
    """
    cases = {}
    for case, rows in frame.groupby(CASE):
        gaps = rows.pivot(index="mdp", columns="strategy", values="gap")
        unsafe = gaps < -TOLERATED
        low, high = wilson(unsafe["cds"].sum(), len(gaps), confidence)
        mean, mean_low, mean_high = mean_interval(gaps["cds"], confidence)
        verdict = UNDECIDED
        if high <= DELTA and mean_low > 0:
            verdict = SUPPORTED
        elif low > DELTA or mean_high < 0:
            verdict = CONTRADICTED
        cases[case] = {
            "verdict": verdict, "mdps": len(gaps), "unsafe": float(unsafe["cds"].mean()),
            "low": low, "high": high, "improvement": mean,
            **versus_both(unsafe),
        }  # fmt: skip
    largest = max(size for _, size in cases)
    decided = {alpha: found for (alpha, size), found in cases.items() if size == largest}
    verdict = agreed(found["verdict"] for found in decided.values())
    parts = [
        f"at alpha {alpha:g} cds loses more than {TOLERATED:g} % of the optimal value in "
        f"{100 * found['unsafe']:.1f} % of the worlds [{100 * found['low']:.1f}, "
        f"{100 * found['high']:.1f}] (no_sharing {100 * found['no_sharing']:.1f} %, sharing_all "
        f"{100 * found['sharing_all']:.1f} %)"
        for alpha, found in decided.items()
    ]
    sentence = f"Claim 6 is {verdict}: with {largest} transitions per task, {'; '.join(parts)}."
    return verdict, sentence, {"cases": cases}


def pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """`versus_both`, a row per alpha and data size."""
    rows = []
    for case, part in frame.groupby(CASE):
        unsafe = part.pivot(index="mdp", columns="strategy", values="gap") < -TOLERATED
        rows.append(dict(zip(CASE, case, strict=True)) | versus_both(unsafe))
    return pd.DataFrame(rows)


def versus_both(unsafe: pd.DataFrame) -> dict[str, float]:
    """`versus` no_sharing and sharing_all."""
    return versus(unsafe, "no_sharing") | versus(unsafe, "sharing_all")


def versus(unsafe: pd.DataFrame, other: str) -> dict[str, float]:
    """cds against another strategy, paired by world; `unsafe` has a boolean column per strategy."""
    better = int((unsafe[other] & ~unsafe["cds"]).sum())
    worse = int((unsafe["cds"] & ~unsafe[other]).sum())
    p = binomtest(better, better + worse).pvalue if better + worse else 1.0
    return {
        other: float(unsafe[other].mean()), f"better_than_{other}": better,
        f"worse_than_{other}": worse, f"p_{other}": float(p),
    }  # fmt: skip


def routed(frame: pd.DataFrame, confidence: float = 0.95) -> Verdict:
    """Claim 7: CDS weighs a transition by its estimated improvement over the behaviour of D_i.

    The weights follow the estimate by definition. The test is whether the estimate follows the
    truth. For each world, it computes Spearman's correlation over the pairs that other tasks offer.
    The correlation is between cds's final weights and the true gain of the target's policy from
    sharing only that pair (`gain_alone`). A case is an alpha and a data size. It is supported if
    the interval of the mean over worlds is above 0, and contradicted if it is below 0. The claim is
    supported if every case is, contradicted if any case is, and else undecided. The sentence says
    how strong the correlation is.
    """
    cases = {}
    for case, rows in frame[frame["strategy"] == "cds"].groupby(CASE):
        mean, low, high = mean_interval(rows["gain_correlation"], confidence)
        verdict = SUPPORTED if low > 0 else CONTRADICTED if high < 0 else UNDECIDED
        advantage = mean_interval(rows["advantage_correlation"], confidence)[0]
        cases[case] = {
            "verdict": verdict, "mdps": int(rows["gain_correlation"].notna().sum()),
            "correlation": mean, "low": low, "high": high, "with_advantage": advantage,
            "distance": float(rows["optimal_distance"].mean()),
        }  # fmt: skip
    verdicts = [found["verdict"] for found in cases.values()]
    verdict = CONTRADICTED if CONTRADICTED in verdicts else agreed(verdicts)
    means = [found["correlation"] for found in cases.values()]
    sentence = (
        f"Claim 7 is {verdict}: the rank correlation of cds's weights with what a pair truly adds "
        f"is {min(means):.2f} to {max(means):.2f} on average, by alpha and data size."
    )
    return verdict, sentence, {"cases": cases}


def agreed(verdicts) -> str:
    """The verdict if all verdicts agree, else undecided."""
    found = set(verdicts)
    return found.pop() if len(found) == 1 else UNDECIDED
