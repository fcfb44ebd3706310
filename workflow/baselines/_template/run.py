"""An external baseline reads a job and writes a table of scores. Any language can do this.

Usage: python run.py <job.json> <scores.csv>. docs/external-baselines.md describes both files.
"""

import csv
import json
import sys

COLUMNS = [
    "domain", "suite", "task", "algorithm", "sharing", "seed", "step",
    "episodes", "metric", "score", "normalized_score",
]  # fmt: skip


def train_and_evaluate(job: dict, task: str, seed: int) -> dict[int, tuple[int, float]]:
    """FILL THIS IN. Returns step -> (episodes, mean score over them), in the task's metric.

    job["datasets"][task] and job["pool"] are the paths of the data, and job["training"] and
    job["algorithms"] the settings of our own runs. job["tasks"][task] has the environment and the
    starts of its evaluation episodes.
    """
    raise NotImplementedError("train_and_evaluate in run.py is still empty; fill it in")


def normalised(job: dict, task: str, score: float) -> float:
    """A return, where 0 is the random policy and 1 the expert. Success rates stay as they are."""
    if job["tasks"][task]["metric"] == "success":
        return score
    with open(job["tasks"][task]["references"]) as file:
        references = json.load(file)
    random, expert = references["random"]["mean"], references["expert"]["mean"]
    return (score - random) / (expert - random)


def main(job_path: str, scores_path: str) -> None:
    with open(job_path) as file:
        job = json.load(file)
    with open(scores_path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for task, about in job["tasks"].items():
            for seed in job["seeds"]:
                found = train_and_evaluate(job, task, seed)
                for step, (episodes, score) in sorted(found.items()):
                    key = (job["domain"], job["suite"], task, job["baseline"], "no_sharing", seed)
                    last = (about["metric"], score, normalised(job, task, score))
                    writer.writerow((*key, step, episodes, *last))


if __name__ == "__main__":
    main(*sys.argv[1:])
