"""Episodes in lockstep: one policy call a time step for every environment that still runs."""

import numpy as np

import envs
from cds_bench.evaluation.policy import Policies
from cds_bench.seeding import seed_of


class Arena:
    """A task's environments, one for every seed and episode, made once and reset for each use.

    Episode e starts from the stream ("evaluate", task, e), whatever the method, seed and snapshot:
    comparisons are paired.
    """

    def __init__(self, task: str, seeds: int, episodes: int):
        self.task, self.shape = task, (seeds, episodes)
        self.envs = [envs.make(task) for _ in range(seeds * episodes)]

    def returns(self, policies: Policies, snapshot: int, episodes: int) -> np.ndarray:
        """Undiscounted returns [S, episodes] of a snapshot of every seed, deterministic actions."""
        seeds = self.shape[0]
        worlds = self.envs[: seeds * episodes]
        task = policies.tasks.index(self.task)
        starts = [seed_of("evaluate", self.task, e) % 2**31 for e in range(episodes)] * seeds
        observations = np.stack(
            [world.reset(seed=start)[0] for world, start in zip(worlds, starts, strict=True)]
        )
        totals = np.zeros(len(worlds))
        running = list(range(len(worlds)))
        while running:
            shaped = observations.reshape(seeds, episodes, -1)
            actions = policies.act(snapshot, task, shaped).reshape(len(worlds), -1)
            still = []
            for k in running:
                observations[k], reward, terminated, truncated, _ = worlds[k].step(actions[k])
                totals[k] += reward
                if not (terminated or truncated):
                    still.append(k)
            running = still
        return totals.reshape(seeds, episodes)
