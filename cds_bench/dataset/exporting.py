"""Exports a suite's datasets for D4RL's or Minari's readers, with a croissant.json that lists them.

Every transition keeps its bytes. Each dataset says which environment it is of, with spaces, and how
to cite it.
"""

import dataclasses
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Box

import envs
from cds_bench.config import Config
from cds_bench.dataset import hdf5
from cds_bench.dataset.credit import OURS, credit
from cds_bench.dataset.store import FINAL, episodes, read_dataset
from cds_bench.errors import BenchError, nearest
from cds_bench.storage import paths
from cds_bench.storage.files import sha256, write_json
from cds_bench.storage.reference_scores import read_references

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Exported:
    """A dataset with the metadata for its readers. Spaces have the dtypes of the stored columns."""

    task: str
    columns: Columns
    attributes: dict
    spec: EnvSpec
    observation_space: gymnasium.Space
    action_space: gymnasium.Space
    scores: tuple[float, float]  # of the random policy and of the expert

    @property
    def description(self) -> str:
        about = self.attributes
        shapes = ", ".join(
            f"{key} {column.dtype} {list(column.shape)}" for key, column in self.columns.items()
        )
        return (
            f"Task {self.task} of the suite {about['suite']}, data of quality {about['quality']}: "
            f"{len(self.columns['rewards'])} transitions in {about['episodes']} episodes. {shapes}."
        )


def export(config: Config, suite: str, form: str, output: Path) -> list[Path]:
    """Writes the datasets of a suite and their croissant.json to <output>/<suite>; their files.

    form: "d4rl", an HDF5 file per task, or "minari", a Minari dataset <suite>/<task>-v0 per task
    that is found with MINARI_DATASETS_PATH=<output>. Raises BenchError for a dataset that is
    missing or damaged, if the folder is there already, and if a suite of your own does not say
    whose data it has.
    """
    credit(suite)  # refuses the export before anything is written
    if form not in FORMATS:
        raise BenchError(f"--format: unknown name '{form}'{nearest(form, FORMATS)}")
    folder = output / suite
    if folder.exists():
        raise BenchError(f"{folder}: is there already; delete it or name another --output")
    output.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=output, prefix=f".{suite}-"))
    try:
        described = {}
        for task in envs.SUITES[suite].tasks:
            dataset = load(config, suite, task)
            for path in FORMATS[form](dataset, suite, partial):
                described[path.relative_to(partial / suite)] = dataset.description
        write_croissant(suite, partial / suite, described)
        os.replace(partial / suite, folder)
    finally:
        shutil.rmtree(partial)
    return [folder / path for path in described]


def load(config: Config, suite: str, task: str) -> Exported:
    """A checked dataset, its environment, spaces, and reference scores."""
    columns, attributes = read_dataset(paths.dataset(config, suite, task), suite, task)
    references = read_references(config, task)
    env = envs.make(task)
    spaces = [_typed(space) for space in (env.observation_space, env.action_space)]
    env.close()
    spec = serialisable(gymnasium.spec(envs.TASKS[task].env_id))
    scores = tuple(references[name]["mean"] for name in ("random", "expert"))
    return Exported(task, columns, attributes, spec, *spaces, scores)


def serialisable(spec: EnvSpec) -> EnvSpec:
    """The spec with its entry point as text, so that it can be written."""
    made = spec.entry_point
    text = f"{made.__module__}:{made.__qualname__}" if callable(made) else made
    return dataclasses.replace(spec, entry_point=text)


def _typed(space: Box) -> Box:
    """The space in the dtype that datasets have: float32, or uint8 of pictures."""
    dtype = space.dtype if space.dtype == np.uint8 else np.float32
    return Box(space.low.astype(dtype), space.high.astype(dtype), dtype=dtype)


def about(suite: str, dataset: Exported) -> dict[str, str]:
    """The metadata of a dataset that both formats contain."""
    whose = credit(suite)
    return {
        "suite": suite,
        "task": dataset.task,
        "quality": str(dataset.attributes["quality"]),
        "citation": whose.citation,
        "license": whose.license,
        "content_sha256": str(dataset.attributes["sha256"]),
    }


def write_d4rl(dataset: Exported, suite: str, root: Path) -> list[Path]:
    """An HDF5 file in D4RL's schema; the group `metadata` holds texts and scores."""
    path = root / suite / f"{dataset.task}.hdf5"
    metadata = about(suite, dataset) | {
        "author": credit(suite).author,
        "environment": dataset.spec.to_json(),
        "observation_space": repr(dataset.observation_space),
        "action_space": repr(dataset.action_space),
        "ref_min_score": dataset.scores[0],
        "ref_max_score": dataset.scores[1],
    }
    hdf5.write(
        path, dataset.columns | {f"metadata/{key}": value for key, value in metadata.items()}, {}
    )
    return [path]


def write_minari(dataset: Exported, suite: str, root: Path) -> list[Path]:
    """A Minari dataset. Pictures are not compressed, because that would change them."""
    import minari

    with _minari_root(root), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about fields that do not apply
        written = minari.create_dataset_from_buffers(
            f"{suite}/{dataset.task}-v0",
            list(buffers(dataset.columns)),
            env=dataset.spec,
            algorithm_name=str(dataset.attributes["quality"]),
            author=credit(suite).author,
            ref_min_score=dataset.scores[0],
            ref_max_score=dataset.scores[1],
            description=dataset.description,
            observation_space=dataset.observation_space,
            action_space=dataset.action_space,
            data_format="hdf5",
            jpeg_encoding=False,
        )
        written.storage.update_metadata(about(suite, dataset))
    return sorted((root / suite / f"{dataset.task}-v0" / "data").iterdir())


def buffers(columns: Columns) -> Iterator:
    """Each episode as Minari stores it: one observation more than steps."""
    from minari.data_collector import EpisodeBuffer

    names = [key for key in columns if key.startswith("infos/")]
    for number, (start, length) in enumerate(zip(*episodes(columns), strict=True)):
        rows = slice(start, start + length)
        last = (
            columns[FINAL][number]
            if FINAL in columns
            else columns["next_observations"][rows.stop - 1]
        )
        yield EpisodeBuffer(
            id=number,
            observations=np.concatenate([columns["observations"][rows], last[None]]),
            actions=columns["actions"][rows],
            rewards=columns["rewards"][rows],
            terminations=columns["terminals"][rows],
            truncations=columns["timeouts"][rows],
            infos={name.removeprefix("infos/"): columns[name][rows] for name in names},
        )


@contextmanager
def _minari_root(folder: Path) -> Iterator[None]:
    """Minari reads the folder of its datasets from an environment variable."""
    name = "MINARI_DATASETS_PATH"
    before = os.environ.get(name)
    os.environ[name] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


def write_croissant(suite: str, folder: Path, described: dict[Path, str]) -> None:
    """croissant.json of a folder: its files with sizes and hashes, in the Croissant vocabulary."""
    import mlcroissant

    whose = credit(suite)
    files = [
        mlcroissant.FileObject(
            id=path.as_posix(),
            name=path.as_posix(),
            description=text,
            content_url=path.as_posix(),
            content_size=f"{(folder / path).stat().st_size} B",
            encoding_formats=[ENCODINGS[path.suffix]],
            sha256=sha256(folder / path),
        )
        for path, text in described.items()
    ]
    creator = mlcroissant.Organization if whose is OURS else mlcroissant.Person
    metadata = mlcroissant.Metadata(
        name=f"cds-bench-{suite}" if whose is OURS else suite,
        description=f"Datasets of the suite {suite}, for offline reinforcement learning on several "
        "tasks that share states and actions.",
        cite_as=whose.citation,
        creators=[creator(name=whose.author, url=whose.url)],
        date_published=datetime.now(UTC).replace(microsecond=0, tzinfo=None),
        license=[whose.license],
        url=whose.url,
        version=whose.version,
        distribution=files,
    )
    write_json(folder / "croissant.json", json.loads(json.dumps(metadata.to_json(), default=str)))


ENCODINGS = {".hdf5": "application/x-hdf5", ".json": "application/json"}
FORMATS: dict[str, Callable[[Exported, str, Path], list[Path]]] = {
    "d4rl": write_d4rl,
    "minari": write_minari,
}
