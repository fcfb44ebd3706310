"""Packs the finished runs of a profile, and unpacks those that belong to it elsewhere.

A run belongs to a profile if it has its configuration, its pool and its code. Then it is what
training here would have given, and its rows may stand in the same tables.
"""

import json
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.dataset.pool import pool_sha256
from cds_bench.errors import BenchError
from cds_bench.packing import archive
from cds_bench.packing.archive import SUFFIX, Archive
from cds_bench.statistics.expected import check_scores
from cds_bench.statistics.gaps import Run, evaluated
from cds_bench.statistics.schema import read_scores
from cds_bench.storage import paths, seals
from cds_bench.storage.files import atomic
from cds_bench.storage.fingerprint import fingerprint
from cds_bench.storage.locks import claim
from cds_bench.training.identity import identity

RUN, SCORES, VALUES, EVALUATION = "run.json", "scores.csv", "values.csv", "evaluation.json"
TABLES = ("metrics.csv", "timing.csv", "shift.csv")  # of training, listed in run.json
NEEDED = {RUN, *TABLES, SCORES, VALUES, EVALUATION}


def places(config: Config, run: Run) -> dict[str, Path]:
    """Where each member of an archive lies, in the order in which it is written.

    What is made of another file comes after it, so that Snakemake takes it for up to date.
    """
    folder = paths.run(config, *run)
    return {
        **{name: folder / name for name in (seals.POLICIES, *TABLES, RUN)},
        SCORES: paths.run_scores(config, *run),
        VALUES: paths.run_values(config, *run),
        EVALUATION: paths.run_evaluation(config, *run),
    }


def pack(config: Config, folder: Path, policies: bool = False) -> list[Path]:
    """Packs every trained and evaluated run as <folder>/<suite>/<algorithm>/<sharing>/<seeds>.

    Returns the paths of all packed runs. An archive that is up to date is not written again, so
    that a folder under version control changes only by what is new. Policies are left out unless
    asked for: tables and the page need none. Raises BenchError for a run whose files are not those
    that its records say. Call it in the checkout that evaluated the runs: the archive names the
    code of their evaluation.
    """
    packed = []
    for run in jobs.runs(config):
        if evaluated(config, run):
            where = places(config, run)
            if not policies:
                del where[seals.POLICIES]
            members = {name: _content(path) for name, path in where.items()}
            path = folder.joinpath(*run[:3], f"seeds{run[3]}{SUFFIX}")
            _check_hashes(members, str(paths.run(config, *run)))
            named = dict(zip(("suite", "algorithm", "sharing", "seeds"), run, strict=True))
            code = fingerprint(*jobs.evaluation_modules(run[0]))
            _write(path, named | {"evaluation_code": code}, members)
            packed.append(path)
    return packed


def _write(path: Path, manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    """Writes an archive unless an equal one exists."""
    if path.exists():
        try:
            found = archive.read(path)
            known = found.manifest.model_dump(exclude={"sha256"})
            if known == manifest and found.members == members:
                return
        except BenchError:
            pass  # a damaged one is written again
    archive.write(path, manifest, members)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BenchError(
            f"{path}: not readable ({error.strerror}); a packed run without its policies can't be "
            "packed with them"
            if path.name == seals.POLICIES
            else f"{path}: not readable ({error.strerror}); run the workflow first"
        ) from None


def found(sources: Collection[Path]) -> Iterator[Path]:
    """The archives that are named, or that lie in the named folders."""
    for source in sources:
        inside = sorted(source.rglob(f"*{SUFFIX}")) if source.is_dir() else [source]
        if not inside:
            raise BenchError(f"{source}: holds no packed runs (*{SUFFIX})")
        yield from inside


def unpack(
    config: Config, sources: Collection[Path], codes: Collection[str] = ()
) -> tuple[list[Run], list[str]]:
    """Places the packed runs that belong to a profile into its results.

    codes: fingerprints of other code whose runs are accepted too.
    Returns the runs that were placed, and a line for each run that was not: it is there already,
    or it is refused with the keys that differ. A run that differs changes nothing. One that could
    not be written as a whole (a full disk) is completed by the next call.
    """
    placed, lines, archives = [], [], list(found(sources))
    with claim(config.folder, "a workflow is being run on it"):
        for path in archives:
            try:
                packed = archive.read(path)
                run = packed.manifest.key
                if _there(config, packed):
                    lines.append(f"{path}: {'/'.join(run)} is there already")
                    continue
                _check(config, packed, codes)
                _place(config, packed)
                placed.append(run)
            except BenchError as error:
                lines.append(f"refused: {error}")
    return placed, lines


def _there(config: Config, packed: Archive) -> bool:
    """Whether a run is in the results: evaluated, or another one than the packed run."""
    run = packed.manifest.key
    record = paths.run(config, *run) / RUN
    if not record.exists():
        return False
    return evaluated(config, run) or record.read_bytes() != packed.members.get(RUN)


def _check(config: Config, packed: Archive, codes: Collection[str]) -> None:
    """Raises BenchError unless a packed run belongs to the profile."""
    run, origin = packed.manifest.key, str(packed.path)
    if run not in jobs.runs(config):
        raise BenchError(
            f"{origin}: {'/'.join(run)} is no job of the profile '{config.profile}': compare "
            f"suites, algorithms, sharing, seeds and seeds_per_job (here {config.seeds_per_job})"
        )
    if missing := NEEDED - packed.members.keys():
        raise BenchError(f"{origin}: has no {', '.join(sorted(missing))}; pack it again")
    _check_hashes(packed.members, origin)
    if not (pool := paths.pool(config, run[0])).exists():
        raise BenchError(
            f"{origin}: {pool} is not there to compare with; make it first: "
            "snakemake --cores all --until pool"
        )
    record = json.loads(packed.members[RUN])
    expected = identity(config.of(run[0]), *run[:3], pool_sha256(pool))
    expected = json.loads(json.dumps(expected))  # lists, as the record has them
    if differing := list(differences(record.get("fingerprint"), expected)):
        raise BenchError(f"{origin}: differs from this profile in {'; '.join(differing)}")
    made_by = {
        "training code": (record.get("code"), jobs.training_modules(config, *run[1:3])),
        "evaluation code": (packed.manifest.evaluation_code, jobs.evaluation_modules(run[0])),
    }
    for name, (there, modules) in made_by.items():
        here = fingerprint(*modules)
        if there != here and there not in codes:
            raise BenchError(
                f"{origin}: its {name} is {there}, and here it is {here}: use the checkout that "
                f"made it, or, if the change can't move numbers, accept it with --code {there}"
            )
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / SCORES).write_bytes(packed.members[SCORES])
        try:
            finished = seals.Run.model_validate(record).finished
            check_scores(config, run[0], read_scores(path), finished, SCORES)
        except BenchError as error:
            raise BenchError(f"{origin}: {str(error).replace(f'{folder}/', '')}") from None


def differences(there: Any, here: Any, key: str = "") -> Iterator[str]:
    """The entries in which two nested records differ: dotted keys with both values."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted(there.keys() | here.keys()):
            inner = f"{key}.{name}" if key else name
            yield from differences(there.get(name), here.get(name), inner)
    elif there != here:
        yield f"{key} ({json.dumps(there)} there, {json.dumps(here)} here)"


def _check_hashes(members: dict[str, bytes], origin: str) -> None:
    """Raises BenchError unless the members are those that the run's own records name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for member, content in members.items():
            (folder / member).write_bytes(content)
        try:
            run = seals.read_run(folder)
            made = seals.read_record(folder / EVALUATION, seals.Evaluation)
            for table in {*TABLES, seals.POLICIES} & members.keys():
                seals.check(folder / table, table, run.sha256, Path(RUN))
            for table in (SCORES, VALUES):
                key = table.removesuffix(".csv")
                seals.check(folder / table, key, made.sha256, Path(EVALUATION))
        except BenchError as error:
            raise BenchError(f"{origin}: {str(error).replace(f'{folder}/', '')}") from None
    if made.policies != run.sha256.get(seals.POLICIES):
        raise BenchError(f"{origin}: {EVALUATION} is of other policies than {RUN}; pack it again")


def _place(config: Config, packed: Archive) -> None:
    """Writes a run's files, each after those that it was made of."""
    run = packed.manifest.key
    with claim(paths.run(config, *run), f"run {'/'.join(run)} is being trained"):
        for name, path in places(config, run).items():
            if name in packed.members:
                with atomic(path) as temporary:
                    temporary.write_bytes(packed.members[name])
