"""How the results were made: the runs' records, hours, machines, versions and hashes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.report import targets
from cds_bench.status.runs import number, read
from cds_bench.storage import files, paths
from cds_bench.storage.fingerprint import ROOT, fingerprint

NOTHING = "–"
STAGES = (
    "behaviour", "dataset", "algorithms", "sharing", "training", "evaluation", "statistics",
    "report",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A training job and the content of its run.json, or the problem if it cannot be read."""

    suite: str
    algorithm: str
    sharing: str
    seeds: str
    record: dict[str, Any]
    problem: str

    @property
    def method(self) -> str:
        return f"{self.algorithm} × {self.sharing}"

    @property
    def failures(self) -> list[str]:
        """Its failed seeds, in words."""
        found = self.record.get("failures")
        return [
            f"seed {failure.get('seed', '?')} {failure.get('reason', 'failed')}"
            for failure in (found if isinstance(found, list) else [])
            if isinstance(failure, dict)
        ]

    @property
    def state(self) -> str:
        return self.problem or ("; ".join(self.failures) if self.failures else "complete")

    def part(self, name: str) -> dict[str, Any]:
        """A section of the record. It is empty if the record has no such section."""
        found = self.record.get(name)
        return found if isinstance(found, dict) else {}


def runs(config: Config) -> list[Run]:
    """Every configured training job, in the workflow's order."""
    return [_run(config, key) for key in jobs.runs(config)]


def _run(config: Config, key: tuple[str, str, str, str]) -> Run:
    record, problem = read(paths.run(config, *key) / "run.json")
    return Run(*key, record or {}, problem or ("missing" if record is None else ""))


def seconds(found: list[Run]) -> float:
    """The wall time of all training jobs together."""
    return sum(number(run.record.get("wall_seconds")) or 0.0 for run in found)


def moments(found: list[Run]) -> tuple[str, str]:
    """The first start and the last end in the records, or "" if no record has one."""
    started = [str(run.record["started"]) for run in found if run.record.get("started")]
    ended = [str(run.record["ended"]) for run in found if run.record.get("ended")]
    return moment(min(started, default="")), moment(max(ended, default=""))


def moment(text: Any) -> str:
    """Writes 2026-01-31T12:00:00+00:00 as 2026-01-31 12:00:00 UTC."""
    return str(text or "").replace("T", " ").replace("+00:00", " UTC")


def machines(found: list[Run]) -> list[str]:
    """The machines of the jobs. If there are several, each comes with its number of jobs."""
    kinds = Counter(_machine(run.part("hardware")) for run in found if run.part("hardware"))
    if len(kinds) == 1:
        return list(kinds)
    return [f"{kind} ({count} of {len(found)} jobs)" for kind, count in kinds.items()]


def _machine(hardware: dict[str, Any]) -> str:
    named = [str(hardware[key]) for key in ("processor", "machine") if hardware.get(key)]
    device, threads = hardware.get("device", "?"), hardware.get("threads", "?")
    parts = [*named, f"device {device}", f"threads per job: {threads}"]
    return ", ".join(dict.fromkeys(parts))


def versions(found: list[Run], manifests: list[dict]) -> list[tuple[str, str, str]]:
    """Rows of package, versions in training and versions in data collection, sorted by name."""
    trained = _versions(run.part("versions") for run in found)
    collected = _versions(manifest.get("versions") for manifest in manifests)
    return [
        (name, trained.get(name, NOTHING), collected.get(name, NOTHING))
        for name in sorted(trained | collected)
    ]


def _versions(sections: Iterator) -> dict[str, str]:
    named: dict[str, set[str]] = {}
    for section in sections:
        for name, version in (section if isinstance(section, dict) else {}).items():
            named.setdefault(str(name), set()).add(str(version))
    return {name: ", ".join(sorted(found)) for name, found in named.items()}


def pools(config: Config, found: list[Run]) -> list[tuple[str, str, str]]:
    """Rows of suite, hash of a pool, and the number of the suite's jobs trained on that pool."""
    rows = []
    for suite in config.suites:
        jobs = [run for run in found if run.suite == suite]
        hashes = Counter(str(run.part("fingerprint").get("pool", "")) for run in jobs)
        rows += [
            (suite, pool or NOTHING, f"{count} of {len(jobs)}") for pool, count in hashes.items()
        ]
    return rows


def training_code(found: list[Run]) -> list[tuple[str, str]]:
    """Rows of method and the fingerprints of the code that its jobs ran."""
    codes: dict[str, set[str]] = {}
    for run in found:
        codes.setdefault(run.method, set()).add(str(run.record.get("code") or NOTHING))
    return [(method, ", ".join(sorted(code))) for method, code in codes.items()]


def present_code() -> list[tuple[str, str]]:
    """Rows of stage and the current fingerprint of its modules and everything they import."""
    return [(stage, fingerprint(*_modules(stage))) for stage in STAGES]


def _modules(stage: str) -> list[str]:
    folder = ROOT / "cds_bench" / stage
    return [f"cds_bench.{stage}.{path.stem}" for path in sorted(folder.glob("[a-z]*.py"))]


def hashes(config: Config) -> list[tuple[str, str, str]]:
    """Rows of file, SHA-256 and bytes for tables and runs. Missing files are marked as missing."""
    listed = [paths.resolved(config), *map(Path, jobs.statistics(config))]
    listed += [Path(path) for path in targets.tables(config) if path.endswith(".csv")]
    for run in jobs.runs(config):
        made = jobs.run_files(config, *run)
        listed += [Path(made["policies"]), Path(made["metrics"])]
    return [_hash(config, path) for path in listed]


def _hash(config: Config, path: Path) -> tuple[str, str, str]:
    name = path.relative_to(config.folder).as_posix()
    if not path.is_file():
        return name, "missing", NOTHING
    return name, files.sha256(path), f"{path.stat().st_size:,}"
