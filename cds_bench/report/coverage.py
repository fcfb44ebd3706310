"""What a suite's datasets cover: where their transitions lie and which tasks they can serve."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import envs
from cds_bench.config import Config
from cds_bench.dataset.store import read_dataset
from cds_bench.report import plotting
from cds_bench.report.captions import by_success
from cds_bench.report.making import Made
from cds_bench.storage import paths

COLUMNS = [
    "suite", "task", "quality", "transitions", "episodes", "metric", "mean_score", "target",
    "mean_reward",
]  # fmt: skip
BINS = 80


def covered(config: Config, suite: str) -> Made:
    datasets = {
        task: read_dataset(paths.dataset(config, suite, task), suite, task)
        for task in envs.SUITES[suite].tasks
    }
    frame = rewards(suite, datasets)
    return Made(frame, figure=coverage(suite, datasets, frame))


def rewards(suite: str, datasets: dict[str, tuple[dict, dict]]) -> pd.DataFrame:
    """A row per dataset and target task, with the columns above.

    mean_reward: the mean over all transitions of the dataset, relabelled for the target. For a
        success task this is the share of transitions that reach it.
    mean_score: the mean over whole episodes, in the metric of the dataset's own task.
    """
    rows = []
    for task, (columns, about) in datasets.items():
        size = len(columns["rewards"])
        key = (suite, task, about["quality"], size, about["episodes"], about["metric"])
        for target in datasets:
            reward = float(envs.TASKS[target].reward(columns).mean())
            rows.append((*key, about["mean_score"], target, reward))
    return pd.DataFrame(rows, columns=COLUMNS)


def coverage(suite: str, datasets: dict[str, tuple[dict, dict]], table: pd.DataFrame) -> Figure:
    """A panel per dataset with a histogram of its transitions and their mean reward per task."""
    across = min(len(datasets), plotting.ACROSS)
    down = -(-len(datasets) // across)
    height = 1.5 + down * (1.9 + 0.13 * len(datasets))
    made = plotting.figure(plotting.WIDTH, height)
    grid = made.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    described = envs.TASKS[next(iter(datasets))]
    labels = described.axes
    values = {t: _plane(columns, described.infos) for t, (columns, _) in datasets.items()}
    edges = [_edges(np.concatenate([pair[k] for pair in values.values()])) for k in range(2)]
    counts = {task: np.histogram2d(*pair, bins=edges)[0].T for task, pair in values.items()}
    norm = LogNorm(1, max(count.max() for count in counts.values()))
    for axes, (task, (_, about)) in zip(grid.flat, datasets.items(), strict=False):
        shown = np.ma.masked_equal(counts[task], 0)
        image = axes.pcolormesh(*edges, shown, norm=norm, cmap="viridis_r", rasterized=True)
        if floor := envs.TASKS[task].floor:
            plotting.floor_plan(axes, floor)
        axes.set_title(f"{task}\n{about['quality']}\n{len(values[task][0]):,} transitions")
        axes.set_xlabel(f"{labels[0]}\n{_shares(table, task)}")
    for axes in list(grid.flat)[len(datasets) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1])
    made.colorbar(image, ax=grid, label="transitions", shrink=0.7)
    what = "share that reaches each task" if by_success(suite) else "mean reward under each task"
    plotting.title(
        made,
        f"Data of {suite}",
        f"Panels show where each dataset's transitions end, with the {what} below."
        + (
            " Walls are grey, the star is the task's goal, and dots are the other goals."
            if plotting.in_maze(tuple(datasets))
            else ""
        ),
    )
    return made


def _plane(columns: dict[str, np.ndarray], infos: tuple[str, ...]) -> list[np.ndarray]:
    """What the panels have as x and y: the first two infos, or the observation's outer values."""
    if len(infos) > 1:
        return [columns[f"infos/{name}"] for name in infos[:2]]
    return [columns["next_observations"][:, k] for k in (0, -1)]


def _edges(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _shares(table: pd.DataFrame, task: str) -> str:
    """A line per target task."""
    rows = table[table["task"] == task]
    scale, unit = (100, " %") if by_success(rows["suite"].iloc[0]) else (1, "")
    return "\n".join(
        f"{_label(row.target)}: {scale * row.mean_reward:.2f}{unit}" for row in rows.itertuples()
    )


def _label(task: str) -> str:
    """A task's name, or the goal's coordinates if the task is a goal in a maze."""
    floor = envs.TASKS[task].floor
    return "{:g}, {:g}".format(*floor.goal) if floor else task
