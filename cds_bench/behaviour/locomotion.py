"""Behaviour of the walkers: snapshots of trained policies, each with its own Gaussian noise."""

import envs
from cds_bench.behaviour.policy import policy_sha256
from cds_bench.behaviour.qualities import snapshots
from cds_bench.behaviour.rollout import Recipe, stochastic
from cds_bench.config import Config

OWN_SHARE = 3  # to 1 of every other task, in data that overlap
REFERENCE = "medium"  # the quality that stands for the behaviour policy among the references


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The snapshots behind a quality of a task, each with its own Gaussian noise.

    `overlap` takes the task's own medium policy OWN_SHARE times and the expert of every other task
    of the domain once: what a task needs most lies in the others' data [ours].
    """
    domain, own = envs.TASKS[task].domain, envs.TASKS[task].policy
    sources = [(own, quality)]
    if quality == "overlap":
        others = (other.policy for other in envs.TASKS.values() if other.domain == domain)
        sources = [(own, "medium")] * OWN_SHARE
        sources += [(other, "expert") for other in others if other != own]
    return [
        Recipe(
            stochastic(chosen.policy),
            {"policy": name, "step": chosen.step, "sha256": policy_sha256(chosen.policy)},
        )
        for name, kind in sources
        for chosen in snapshots(config, name, kind)
    ]
