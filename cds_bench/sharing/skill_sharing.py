"""Skill sharing (MT-Opt, Kalashnikov et al. 2021 [recalled]): only tasks of one skill share."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from cds_bench.errors import BenchError, nearest
from cds_bench.records import Critic, Offer, Sharing


@dataclass(frozen=True)
class Config:
    """groups: the names of the tasks of each skill. A task in no group shares with no other.

    Without groups, a task's skill is its name up to the first hyphen [ours]. Then door-open and
    door-close share, and lift-* and place-* do not.
    """

    batch: Literal["balanced", "balanced_sources", "union"] = "balanced"
    groups: tuple[tuple[str, ...], ...] = ()


def share(config: Config, offer: Offer, critic: Critic, uniform: Tensor, state: None) -> Sharing:
    """w = 1 [own, or collected for a task of the same skill]."""
    skill = torch.tensor(skills(config.groups, offer.tasks), device=offer.task.device)
    same = skill[offer.source] == skill[offer.task]
    return Sharing(weight=same.float())


def skills(groups: tuple[tuple[str, ...], ...], tasks: tuple[str, ...]) -> list[int]:
    """The skill of each task, as a number. Raises BenchError if a group names an unknown task."""
    if not groups:
        names = [task.partition("-")[0] for task in tasks]
        return [names.index(name) for name in names]
    for task in sum(groups, ()):
        if task not in tasks:
            raise BenchError(f"skill_sharing.groups: unknown task '{task}'{nearest(task, tasks)}")
    member = {task: number for number, group in enumerate(groups) for task in group}
    return [member.get(task, len(groups) + number) for number, task in enumerate(tasks)]
