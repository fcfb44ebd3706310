"""Sample frames of a suite of pictures: what a policy sees in one episode of each dataset."""

import numpy as np
from matplotlib.figure import Figure

import envs
from cds_bench.config import Config
from cds_bench.dataset import hdf5
from cds_bench.dataset.store import FINAL, REMEDY, episodes
from cds_bench.report import plotting
from cds_bench.report.making import Made
from cds_bench.storage import paths

FRAMES = 6  # of an episode, evenly spaced from its first to its final picture
ACROSS = 2  # datasets side by side
SIDE = 0.56  # inches, of a picture


def frames(config: Config, suite: str) -> Made:
    """A row of frames for every task of a suite."""
    rows = {}
    for task in envs.SUITES[suite].tasks:
        path = paths.dataset(config, suite, task)
        keys = ("observations", FINAL, "rewards", "terminals", "timeouts")
        rows[task] = sampled(hdf5.read(path, REMEDY, keys)[0])
    return Made(figure=drawn(suite, rows))


def sampled(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Frames [FRAMES, height, width, 3] of a dataset's first successful episode, and their steps.

    If no episode is successful, they are from the first one. The last value says which it is.
    """
    starts, lengths = episodes(columns)
    reached = np.add.reduceat(columns["rewards"], starts) > 0
    episode = int(np.argmax(reached))
    start, length = starts[episode], lengths[episode]
    seen = [*columns["observations"][start : start + length], columns[FINAL][episode]]
    steps = np.linspace(0, length, FRAMES).round().astype(int)
    return np.stack([seen[step] for step in steps]), steps, bool(reached[episode])


def drawn(suite: str, rows: dict[str, tuple[np.ndarray, np.ndarray, bool]]) -> Figure:
    """The figure: datasets in ACROSS columns, the step under each frame."""
    down = -(-len(rows) // ACROSS)
    made = plotting.figure(plotting.WIDTH, 0.8 + down * (SIDE + 0.3))
    grid = made.subplots(down, ACROSS * FRAMES, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, (task, (pictures, steps, reached)) in enumerate(rows.items()):
        line = grid[place % down, FRAMES * (place // down) :]
        for axes, picture, step in zip(line, pictures, steps, strict=False):
            axes.imshow(picture, interpolation="nearest")
            below = {"ha": "center", "va": "top", "fontsize": 6.5, "transform": axes.transAxes}
            axes.text(0.5, -0.03, str(step), **below)
        line[0].set_title(f"{task}{'' if reached else ' (fails)'}", loc="left", pad=2)
    plotting.title(
        made,
        f"Pictures of {suite}",
        "Each row shows what policies see over the first successful episode of a dataset. Numbers "
        "are steps, and the last picture is the one after the last step.",
    )
    return made
