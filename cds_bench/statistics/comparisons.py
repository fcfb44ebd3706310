"""Compares every method with the reference method, paired by seed."""

import numpy as np
import pandas as pd

import envs
from cds_bench.config import Config
from cds_bench.seeding import stream
from cds_bench.statistics.aggregates import probability_of_improvement
from cds_bench.statistics.headline import (
    AVERAGE,
    Method,
    headline,
    matrix,
    methods,
    note,
    resolution,
)
from cds_bench.statistics.intervals import stratified_improvement, student_t
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.significance import (
    CORRECTIONS,
    correlation,
    effect_size,
    sign_flip,
    welch,
)
from cds_bench.storage import files, paths

COLUMNS = [
    "suite", "task", "algorithm", "sharing", "reference", "n", "difference",
    "low", "high", "p", "p_corrected", "p_welch", "correlation", "effect_size",
    "improvement", "improvement_low", "improvement_high", "note",
]  # fmt: skip


def comparisons(config: Config, scores: pd.DataFrame, suite: str) -> pd.DataFrame:
    """A row per task of a suite (and "average") and pair of methods (`pairs`).

    n: the number of seeds that both have. All other columns use these seeds.
    difference: the mean over seeds of (method - reference), in normalised score.
    low, high: its Student-t interval. The spread is at least one step of the score (`resolution`).
    p: from the exact sign-flip permutation test. p_corrected: corrected as the protocol says, over
    all methods of a suite and task. p_welch: from Welch's test, which does not pair.
    correlation: of both methods over the seeds. Pairing helps only if it is positive.
    effect_size: d_z with Hedges' correction.
    improvement: the probability that a run of the method is above one of the reference, averaged
    over tasks, with its stratified bootstrap interval.
    note: what is missing.

    The row "average" is about the mean over the suite's tasks, for seeds that have all of them.
    `scores` is a checked frame.
    """
    headlines = headline(scores, config.protocol)
    tasks, rows = envs.SUITES[suite].tasks, []
    for task in [*tasks, AVERAGE]:
        pick = slice(None) if task == AVERAGE else slice(i := tasks.index(task), i + 1)
        group = [
            compare(config, headlines, (suite, task, *method), reference, pick)
            for method, reference in pairs(config, scores, suite)
        ]
        p = np.array([row["p"] for row in group])
        corrected = CORRECTIONS[config.protocol.correction](p)
        rows += [{**row, "p_corrected": value} for row, value in zip(group, corrected, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def pairs(config: Config, scores: pd.DataFrame, suite: str) -> list[tuple[Method, Method]]:
    """Each method, except references, with the method that it is compared with.

    A sharing strategy is compared with the protocol's reference strategy under the same algorithm.
    If the algorithm is not trained with the reference strategy, the other side is the first
    configured algorithm with the same strategy if it is trained with it, or else with the reference
    strategy. An external baseline is compared with the first algorithm for which one of the two
    holds. A method without such a counterpart, or that would be compared with itself, is left out.
    """
    reference, algorithms = config.protocol.reference, list(config.algorithms)
    competing, others = config.competing, methods(config, scores, suite)[len(config.methods) :]
    found = []
    for a, s in [*competing, *others]:
        rest = algorithms[:1] if a in algorithms else algorithms
        options = [(a, reference), *((b, s) for b in rest), *((b, reference) for b in rest)]
        against = next((method for method in options if method in competing), (a, s))
        if against != (a, s):
            found.append(((a, s), against))
    return found


def compare(
    config: Config, headlines: pd.DataFrame, key: tuple, reference: Method, pick: slice
) -> dict:
    """A row of `comparisons` without p_corrected, for one task or for the average over tasks.

    key: suite, task, algorithm, sharing. pick: the columns of the tasks.
    """
    suite, _, *method = key
    protocol = config.protocol
    tasks = envs.SUITES[suite].tasks[pick]
    ours = matrix(config, headlines, suite, tuple(method))[:, pick]
    theirs = matrix(config, headlines, suite, reference)[:, pick]
    differences = (ours - theirs).mean(axis=1)  # NaN unless both have all tasks
    both = ~np.isnan(differences)
    paired = differences[both]
    own = method[0] == reference[0]
    names = [side[1] if own else " x ".join(side) for side in (method, reference)]
    sides = dict(zip(names, (note(ours, tasks), note(theirs, tasks)), strict=True))
    rng = stream("comparison", *key)
    step = resolution(config, suite, len(tasks))
    low, high = student_t(paired, protocol.confidence, step)
    sides_over_tasks = ours[both].mean(axis=1), theirs[both].mean(axis=1)
    p = sign_flip(paired, rng, protocol.resamples)
    ahead = stratified_improvement(
        ours[both], theirs[both], rng, protocol.resamples, protocol.confidence
    )
    return {
        **dict(zip(("suite", "task", "algorithm", "sharing"), key, strict=True)),
        "reference": names[1],
        "n": len(paired),
        "difference": paired.mean() if len(paired) else np.nan,
        "low": low,
        "high": high,
        "p": p,
        "p_welch": welch(*sides_over_tasks, step),
        "correlation": correlation(*sides_over_tasks),
        "effect_size": effect_size(paired),
        "improvement": probability_of_improvement(ours[both], theirs[both]),
        "improvement_low": ahead[0],
        "improvement_high": ahead[1],
        "note": "; ".join(f"{name}: {lacks}" for name, lacks in sides.items() if lacks),
    }


def write_comparisons(config: Config, suite: str) -> None:
    """Writes comparisons/<suite>.csv from scores/<suite>.csv."""
    scores = read_scores(paths.scores(config, suite))
    files.write_csv(paths.comparisons(config, suite), comparisons(config, scores, suite))
