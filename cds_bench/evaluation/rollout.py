"""Episodes in lockstep: each time step takes one policy call for all environments."""

import numpy as np

import envs
from cds_bench.evaluation.policy import Policies
from cds_bench.seeding import episode_starts

# The scores that are reported for each metric of a task: name -> function of an episode's rewards.
REPORTED = {
    "return": {"return": sum},
    "success": {"success": max, "success_at_end": lambda rewards: rewards[-1]},
}


class Arena:
    """A task's environments, one for every seed and episode. They are reset for each use.

    Episode e of a training seed starts from the stream ("evaluate", task, seed, e) for every method
    and snapshot. Comparisons are therefore paired, and intervals over seeds include the variance of
    the starts.
    """

    def __init__(self, task: str, seeds: list[int], episodes: int):
        self.task, self.seeds = task, seeds
        self.envs = [envs.make(task) for _ in range(len(seeds) * episodes)]

    def episodes(
        self, policies: Policies, snapshot: int, episodes: int
    ) -> tuple[np.ndarray, list[list[float]]]:
        """The first observations [S, episodes, ...] and the rewards of every episode, seed by seed.

        Actions are deterministic.
        """
        seeds = len(self.seeds)
        worlds = self.envs[: seeds * episodes]
        task = policies.tasks.index(self.task)
        starts = [s for seed in self.seeds for s in episode_starts(self.task, seed, episodes)]
        observations = np.stack(
            [world.reset(seed=start)[0] for world, start in zip(worlds, starts, strict=True)]
        )
        shape = (seeds, episodes, *observations.shape[1:])
        first = observations.reshape(shape).copy()
        rewards = [[] for _ in worlds]
        running = list(range(len(worlds)))
        while running:
            actions = policies.act(snapshot, task, observations.reshape(shape))
            actions = actions.reshape(len(worlds), -1)
            still = []
            for k in running:
                observations[k], reward, terminated, truncated, _ = worlds[k].step(actions[k])
                rewards[k].append(reward)
                if not (terminated or truncated):
                    still.append(k)
            running = still
        return first, rewards

    def scores(self, rewards: list[list[float]]) -> dict[str, np.ndarray]:
        """The REPORTED scores of a task's episodes, each [S, episodes]."""
        return {
            metric: np.array([of(episode) for episode in rewards]).reshape(len(self.seeds), -1)
            for metric, of in REPORTED[envs.TASKS[self.task].metric].items()
        }
