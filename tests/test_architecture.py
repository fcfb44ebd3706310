"""Which parts may import which, read from the syntax trees and from real imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("cds_bench", "envs")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STAGES = {
    "algorithms", "behaviour", "dataset", "evaluation", "report", "sharing", "statistics",
    "theory", "training",
}  # fmt: skip
SUPPORT = {
    "cli",
    "config",
    "packing",
    "planning",
    "status",
    "storage",
}  # packages that are no stages
# Which stage may know which others; every stage may use the modules beside the stages.
KNOWS = {
    "algorithms": set(),
    "sharing": set(),
    "statistics": {"theory"},  # it decides the paper's claims 6 and 7
    "dataset": {"behaviour"},  # a dataset is a rollout of a behaviour policy
    "behaviour": set(),
    "training": {"algorithms", "sharing", "dataset"},
    "evaluation": {"dataset", "behaviour"},  # the pool's hash; the references that normalise
    "report": {"statistics", "dataset", "theory"},  # figures of what the datasets cover
    "theory": set(),
}
SIMULATED = {"behaviour", "dataset", "evaluation"}  # the stages that use envs
WORLDS = {"envs.walker2d", "envs.maze", "envs.sawyer", "envs.tabletop"}
SIMULATORS = {"gymnasium", "mujoco", "stable_baselines3"}
ALLOWED = {  # third-party packages, where design.md limits them
    "statistics": {"numpy", "scipy", "pandas"},
    "sharing": {"torch"},
    "algorithms": {"torch"},
    "envs": {"numpy", "gymnasium", "mujoco"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    base = ROOT.joinpath(*name.split("."))
    return base.with_suffix(".py").exists() or (base / "__init__.py").exists()


def imports_of(tree: ast.AST) -> set[str]:
    """The modules that a syntax tree imports anywhere. A package stands for its own names."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not followed by fingerprints"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if is_module(name) else node.module for name in inner}
    return names


IMPORTS = {module_of(path): imports_of(ast.parse(path.read_text())) for path in FILES}


def part_of(module: str) -> str:
    """The stage of a module, or "envs", or "" if it belongs to no stage."""
    package, _, rest = module.partition(".")
    if package == "envs":
        return "envs"
    first = rest.split(".")[0]
    return first if first in STAGES else ""


def importers(part: str):
    """All imports in a part's modules, as (module, imported)."""
    for module, names in IMPORTS.items():
        if part_of(module) == part:
            yield from ((module, name) for name in sorted(names))


def third_party(name: str) -> bool:
    package = name.partition(".")[0]
    return package not in {"cds_bench", "envs", *sys.stdlib_module_names}


def test_every_stage_is_a_package_with_a_rule_here():
    packages = {path.parent.name for path in (ROOT / "cds_bench").glob("*/__init__.py")}
    assert packages == STAGES | SUPPORT
    assert set(KNOWS) == STAGES


def test_the_top_holds_ten_modules_at_most():
    modules = {path.stem for path in (ROOT / "cds_bench").glob("[!_]*.py")}
    assert len(modules) <= 10, modules


def test_no_file_is_longer_than_a_sitting():
    """Python files and parts of the workflow have at most 300 lines."""
    folders = ("cds_bench", "envs", "tests", "benchmarks", "workflow")
    listed = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    written = [
        path for path in listed if path.suffix in (".py", ".smk") and ".venv" not in path.parts
    ]
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines())
        for path in (ROOT / "Snakefile", *written)
    }
    assert len(lengths) > 100
    assert not {name: length for name, length in lengths.items() if length > 300}


def test_no_module_goes_by_another_name():
    """`from cds_bench import a as b` would give one thing two names."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in PACKAGES:
                assert not [alias.asname for alias in node.names if alias.asname], path


@pytest.mark.parametrize("package", ["config", "storage", "status"])
def test_what_every_stage_uses_knows_no_stage(package):
    for module, names in IMPORTS.items():
        if module.startswith(f"cds_bench.{package}"):
            assert not [name for name in names if part_of(name) in STAGES], module


def test_the_reading_of_imports_sees_what_is_there():
    assert "cds_bench.algorithms.networks" in IMPORTS["cds_bench.algorithms.cql"]
    assert "gymnasium" in IMPORTS["envs"], "an import inside a function"
    assert "cds_bench.dataset.pool" in IMPORTS["cds_bench.training.run"]


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_knows_only_what_it_may(stage):
    for module, name in importers(stage):
        assert part_of(name) in {"", stage, "envs", *KNOWS[stage]}, f"{module} imports {name}"
        if stage not in SIMULATED:
            simulator = name.partition(".")[0] in SIMULATORS
            assert not simulator, f"{module} imports {name}"


def test_only_the_stages_that_simulate_make_environments():
    """All other stages may read only the descriptions of suites and tasks, without simulators."""
    users = {module for module, names in IMPORTS.items() if WORLDS & names}
    assert {part_of(module) for module in users} <= {"envs", *SIMULATED}
    text = {module_of(path): path.read_text() for path in FILES}
    makers = {part_of(module) for module, code in text.items() if "envs.make(" in code}
    assert makers == SIMULATED


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_third_party_packages_are_limited(part):
    found = {name.partition(".")[0] for _, name in importers(part) if third_party(name)}
    assert found <= ALLOWED[part]
    assert found


def test_envs_know_nothing_of_cds_bench():
    assert not [pair for pair in importers("envs") if pair[1].startswith("cds_bench")]


def test_nothing_imports_snakemake():
    assert not [m for m, names in IMPORTS.items() if any("snakemake" in name for name in names)]


def test_plug_ins_meet_in_training_only():
    """Algorithms and strategies import only the records and their own package."""
    for kind in ("algorithms", "sharing"):
        for module, name in importers(kind):
            if not third_party(name) and name.startswith("cds_bench"):
                allowed = {
                    f"cds_bench.{common}"
                    for common in ("contracts", "records", "noise", "errors", "ranges")
                }
                assert name in allowed or part_of(name) == kind, f"{module} imports {name}"


def loaded(statement: str) -> set[str]:
    """The packages that a statement loads in a fresh interpreter."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_training_loads_no_simulator():
    """Training can then run on a bare GPU node. Jobs load plug-ins by name, so all are tested."""
    plug_ins = [
        module_of(path) for kind in ("algorithms", "sharing") for path in FILES
        if path.parent.name == kind
    ]  # fmt: skip
    found = loaded(f"import cds_bench.training.run, {', '.join(plug_ins)}")
    assert {"torch", "h5py", "cds_bench"} <= found
    assert not found & {*SIMULATORS, "gym", "d4rl", "snakemake", "matplotlib"}


def test_the_workflow_loads_no_torch():
    """A dry run then answers quickly."""
    tree = ast.parse((ROOT / "Snakefile").read_text().split("min_version(", maxsplit=1)[0])
    ours = sorted(name for name in imports_of(tree) if name.startswith("cds_bench"))
    assert "cds_bench.jobs" in ours
    check = "cds_bench.config.load('workflow/config/default.yaml')"
    found = loaded(f"import {', '.join(ours)}; {check}")
    assert "cds_bench" in found
    assert not found & {"torch", "h5py", "scipy", "matplotlib", *SIMULATORS}


def test_statistics_load_neither_torch_nor_simulators():
    found = loaded("import cds_bench.statistics.comparisons, cds_bench.report.tables")
    assert not found & {"torch", *SIMULATORS}
