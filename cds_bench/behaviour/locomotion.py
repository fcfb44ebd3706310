"""Behaviour of the walkers: snapshots of trained policies, which act with their Gaussian noise."""

import envs
from cds_bench.behaviour.policy import policy_sha256
from cds_bench.behaviour.qualities import snapshots
from cds_bench.behaviour.rollout import Recipe, stochastic
from cds_bench.config import Config

OWN_SHARE = 3  # parts of a task's own policy per part of every other task's, in `overlap`
REFERENCE = "medium"  # the quality whose policy is the behaviour policy in the reference scores


def recipes(config: Config, task: str, quality: str) -> list[Recipe]:
    """The snapshots that collect a quality of a task, each with its own Gaussian noise.

    `overlap` has OWN_SHARE parts of the task's own medium policy and one part of the expert policy
    of every other task of the domain. The most useful data for a task are then in the other tasks'
    datasets [ours].
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
