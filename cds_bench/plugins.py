"""Plug-ins are found by their file's name; their options are read without importing them.

A plug-in is a module of `cds_bench.algorithms` or `cds_bench.sharing` that defines a dataclass
`Config`; the name of the file is the name in the configuration. Options are read from the syntax
tree, so that checking a configuration needs no torch. An external baseline is a folder of
`workflow/baselines` with a rule.smk; its options are its own.
"""

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType

from cds_bench.errors import BenchError, nearest

ROOT = Path(__file__).parent
BASELINES = ROOT.parent / "workflow" / "baselines"


def path_of(kind: str, name: str) -> Path:
    return ROOT / kind / f"{name}.py"


def _config_class(kind: str, name: str) -> ast.ClassDef | None:
    tree = ast.parse(path_of(kind, name).read_text())
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return next((node for node in classes if node.name == "Config"), None)


def names(kind: str) -> list[str]:
    """Every plug-in of a kind ("algorithms" or "sharing"): the modules that define a `Config`."""
    stems = sorted(path.stem for path in (ROOT / kind).glob("[!_]*.py"))
    return [stem for stem in stems if _config_class(kind, stem)]


def check(kind: str, name: str, options: dict) -> None:
    """Raises BenchError for an unknown plug-in or option, naming the nearest valid one."""
    if name not in (valid := names(kind)):
        raise BenchError(f"{kind}: unknown name '{name}'{nearest(name, valid)}")
    body = _config_class(kind, name).body
    fields = [node.target.id for node in body if isinstance(node, ast.AnnAssign)]
    for key in options:
        if key not in fields:
            raise BenchError(f"{kind}.{name}: unknown key '{key}'{nearest(key, fields)}")


def defaults(kind: str, name: str) -> dict:
    """A plug-in's options and their default values, which are literals."""
    body = _config_class(kind, name).body
    fields = [node for node in body if isinstance(node, ast.AnnAssign)]
    return {field.target.id: ast.literal_eval(field.value) for field in fields}


def baselines() -> list[str]:
    """Every external baseline: the folders with a rule.smk whose names do not start with _."""
    return sorted(path.parent.name for path in BASELINES.glob("[!_.]*/rule.smk"))


def check_baseline(name: str) -> None:
    """Raises BenchError for an unknown baseline, and for a name that can't stand beside ours."""
    if name in names("algorithms"):
        raise BenchError(
            f"baselines: '{name}' is the name of an algorithm; rename {BASELINES.name}/{name}, "
            "because both would be the same column of a table"
        )
    if name not in (valid := baselines()):
        raise BenchError(f"baselines: unknown name '{name}'{nearest(name, valid)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BenchError(
            f"baselines: '{name}' is no name for a baseline; use a-z, 0-9 and _, as it stands in "
            "the names of rules and files"
        )


def load(kind: str, name: str) -> ModuleType:
    """Imports a plug-in; the caller has checked its name."""
    return importlib.import_module(f"cds_bench.{kind}.{name}")
