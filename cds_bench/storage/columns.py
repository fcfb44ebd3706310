"""The columns of the CSV files that one stage writes and another stage reads."""

RUN = ["suite", "algorithm", "sharing", "seed"]
CELL = ["suite", "task", "algorithm", "sharing", "seed"]

# A task's metric -> the metrics that evaluation reports for it.
REPORTED = {"return": ("return",), "success": ("success", "success_at_end")}

METRICS = ["seed", "step", "metric", "source", "target", "value"]  # metrics.csv of a run
MOVED = ["seed", "task", "kl", "log_likelihood"]  # shift.csv of a run
SCORES = ["domain", *CELL, "step", "episodes", "metric", "score", "normalized_score"]
VALUES = [*CELL, "q_initial", "discounted_return"]
# shift.csv of a suite or profile: MOVED, VALUES and the critics' overestimation.
SHIFT = [*CELL, "kl", "log_likelihood", "q_initial", "discounted_return", "overestimation"]
FAILURES = [*RUN, "state", "step", "reason"]

# theory.csv: a row per world, case and strategy. THEORY_GAPS can be NaN if nothing is comparable.
THEORY_COUNTS = ["mdp", "states", "actions", "transitions"]
THEORY_GAPS = [
    "gain_correlation", "advantage_correlation", "optimal_distance",
    "weight_q1", "weight_q2", "weight_q3", "weight_q4", "weight_q5",
]  # fmt: skip
THEORY = [
    "mdp", "states", "actions", "coverage", "overlap", "alpha", "transitions", "strategy",
    "value", "behaviour_value", "optimal_value", "gap", "effective_data", "foreign_share",
    "predicted", "effective_value", "scarcity", "divergence", "sampling", "conservatism",
    "constant", "zeta", "change", *THEORY_GAPS,
]  # fmt: skip
