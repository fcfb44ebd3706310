"""Episodes in lockstep: one policy call a time step for every environment that still runs."""

import numpy as np

import envs
from cds_bench.evaluation.policy import Policies
from cds_bench.seeding import episode_starts

# Per metric of a task, what is reported: name -> an episode's rewards to its score.
REPORTED = {
    "return": {"return": sum},
    "success": {"success": max, "success_at_end": lambda rewards: rewards[-1]},
}


class Arena:
    """A task's environments, one for every seed and episode, made once and reset for each use.

    Episode e of a training seed starts from the stream ("evaluate", task, seed, e), whatever the
    method and snapshot: comparisons are paired, and intervals over seeds hold the starts' variance.
    """

    def __init__(self, task: str, seeds: list[int], episodes: int):
        self.task, self.seeds = task, seeds
        self.envs = [envs.make(task) for _ in range(len(seeds) * episodes)]

    def episodes(
        self, policies: Policies, snapshot: int, episodes: int
    ) -> tuple[np.ndarray, list[list[float]]]:
        """First observations [S, episodes, O] and every episode's rewards, seed by seed.

        Actions are deterministic.
        """
        seeds = len(self.seeds)
        worlds = self.envs[: seeds * episodes]
        task = policies.tasks.index(self.task)
        starts = [s for seed in self.seeds for s in episode_starts(self.task, seed, episodes)]
        observations = np.stack(
            [world.reset(seed=start)[0] for world, start in zip(worlds, starts, strict=True)]
        )
        first = observations.reshape(seeds, episodes, -1).copy()
        rewards = [[] for _ in worlds]
        running = list(range(len(worlds)))
        while running:
            shaped = observations.reshape(seeds, episodes, -1)
            actions = policies.act(snapshot, task, shaped).reshape(len(worlds), -1)
            still = []
            for k in running:
                observations[k], reward, terminated, truncated, _ = worlds[k].step(actions[k])
                rewards[k].append(reward)
                if not (terminated or truncated):
                    still.append(k)
            running = still
        return first, rewards

    def scores(self, rewards: list[list[float]]) -> dict[str, np.ndarray]:
        """What is REPORTED of a task's episodes, [S, episodes]."""
        return {
            metric: np.array([of(episode) for episode in rewards]).reshape(len(self.seeds), -1)
            for metric, of in REPORTED[envs.TASKS[self.task].metric].items()
        }
