"""Plug-ins are found by their file's name; their options are read without importing them.

A plug-in is a module of `cds_bench.algorithms` or `cds_bench.sharing` that defines a dataclass
`Config`; `cds_bench.contracts` describes the rest. The name of the file is the name in the
configuration. A variant of one has a name of its own and says which it is:
`cds_k50: {use: cds, threshold: 50}`. Options are read from the syntax tree, so that checking a
configuration needs no torch; their types and ranges are those of `cds_bench.ranges`.
An algorithm's `sharing: [no_sharing]` names the strategies that it is trained with; without it,
these are all. A strategy whose module says `REFERENCE = True` is a reference and no method: it is
shown and never ranked.
An external baseline is a folder of `workflow/baselines` with a rule.smk; its options are its own.
"""

import ast
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pydantic

from cds_bench.errors import BenchError, nearest, shown
from cds_bench.ranges import NAMES

ROOT = Path(__file__).parents[1]
USE = "use"  # the option that names the plug-in of a variant
SHARING = "sharing"  # of an algorithm: the strategies that it is trained with
REFERENCE = "REFERENCE"  # the constant of a strategy that is no method
NAME = r"[A-Za-z][A-Za-z0-9_]{0,63}"
BASELINES = ROOT.parent / "workflow" / "baselines"


def path_of(kind: str, name: str) -> Path:
    return ROOT / kind / f"{name}.py"


def _config_class(kind: str, name: str) -> ast.ClassDef | None:
    tree = ast.parse(path_of(kind, name).read_text(encoding="utf-8"))
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return next((node for node in classes if node.name == "Config"), None)


def names(kind: str) -> list[str]:
    """Every plug-in of a kind ("algorithms" or "sharing"): the modules that define a `Config`."""
    stems = sorted(path.stem for path in (ROOT / kind).glob("[!_]*.py"))
    return [stem for stem in stems if _config_class(kind, stem)]


def _fields(kind: str, name: str) -> list[ast.AnnAssign]:
    """The fields of a plug-in's `Config`, those of the one that it derives from first."""
    config = _config_class(kind, name)
    inherited = [
        field
        for base in config.bases
        if isinstance(base, ast.Attribute) and base.attr == "Config"
        for field in _fields(kind, base.value.id)
    ]
    return inherited + [node for node in config.body if isinstance(node, ast.AnnAssign)]


def fields(kind: str, name: str) -> list[str]:
    """The names of a plug-in's options."""
    return [field.target.id for field in _fields(kind, name)]


def defaults(kind: str, name: str) -> dict:
    """A plug-in's options and their default values, which are literals."""
    return {field.target.id: ast.literal_eval(field.value) for field in _fields(kind, name)}


def is_reference(name: str) -> bool:
    """Whether a sharing plug-in says of itself that it is a reference: `REFERENCE = True`."""
    for node in ast.parse(path_of("sharing", name).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == REFERENCE for target in targets):
            return ast.literal_eval(node.value) is True
    return False


def own_options(options: dict) -> dict:
    """What a plug-in itself reads, and `use`: the options without an algorithm's strategies."""
    return {key: value for key, value in options.items() if key != SHARING}


def option_type(kind: str, name: str, field: ast.AnnAssign) -> Any:
    """The type of an option, ranges included. Raises BenchError for one that is not of NAMES."""
    code = compile(ast.Expression(field.annotation), str(path_of(kind, name)), "eval")
    try:
        return eval(code, {"__builtins__": {}}, NAMES)
    except (NameError, TypeError, AttributeError):
        raise BenchError(
            f"{path_of(kind, name)}: option '{field.target.id}' has the type "
            f"{ast.unparse(field.annotation)}; expected one made of {', '.join(NAMES)}"
        ) from None


def check_options(kind: str, name: str, module: str, options: dict) -> None:
    """Raises BenchError for an option that is not of its declared type or range."""
    for field in _fields(kind, module):
        key = field.target.id
        if key not in options:
            continue
        try:
            pydantic.TypeAdapter(option_type(kind, module, field)).validate_python(options[key])
        except pydantic.ValidationError as error:
            expected = " or ".join(dict.fromkeys(problem["msg"] for problem in error.errors()))
            raise BenchError(
                f"{kind}.{name}.{key}: {expected} (got {shown(options[key])})"
            ) from None


def module_name(name: str, options: dict) -> str:
    """The plug-in behind a configured name: itself, or the one that its option `use` names."""
    return options.get(USE, name)


def check(kind: str, name: str, options: dict) -> None:
    """Raises BenchError for an unknown plug-in or option, naming the nearest valid one."""
    valid, module = names(kind), module_name(name, options)
    if not isinstance(module, str):
        raise BenchError(
            f"{kind}.{name}.{USE}: got {shown(module)}; expected the name of a plug-in"
            f"{nearest('', valid)}"
        )
    if USE in options and name in valid:
        raise BenchError(
            f"{kind}.{name}: '{name}' is a plug-in itself; give its variant a name of its own"
        )
    if not re.fullmatch(NAME, name):
        raise BenchError(
            f"{kind}: {shown(name)} is no name; expected at most 64 letters, digits and _ (cds_k50)"
        )
    if module not in valid:
        hint = "" if USE in options else f" (a variant of another says {USE}: <its name>)"
        raise BenchError(f"{kind}: unknown name '{module}'{nearest(module, valid)}{hint}")
    known = fields(kind, module)
    special = (USE, SHARING) if kind == "algorithms" else (USE,)
    for key in options:
        if key not in (*known, *special):
            raise BenchError(f"{kind}.{name}: unknown key '{key}'{nearest(key, known)}")
    check_options(kind, name, module, options)


def check_strategies(algorithm: str, names, configured) -> None:
    """Raises BenchError where an algorithm's `sharing` is no list of configured strategies."""
    where = f"algorithms.{algorithm}.{SHARING}"
    if not isinstance(names, list) or not names:
        raise BenchError(
            f"{where}: got {shown(names)}; expected a list of at least one configured strategy, or "
            "no such key for all of them"
        )
    for name in names:
        if not isinstance(name, str) or name not in configured:
            raise BenchError(
                f"{where}: {shown(name)} is not among the configured sharing strategies"
                f"{nearest(name, configured)}"
            )
    if len(set(names)) < len(names):
        raise BenchError(f"{where}: a strategy is named twice in {', '.join(names)}")


def baselines() -> list[str]:
    """Every external baseline: the folders with a rule.smk whose names do not start with _."""
    return sorted(path.parent.name for path in BASELINES.glob("[!_.]*/rule.smk"))


def check_baseline(name: str, variants: list[str]) -> None:
    """Raises BenchError for an unknown baseline, and for a name that can't stand beside ours.

    variants: the names that the profile gives to algorithms and strategies.
    """
    if name in variants and name not in names("algorithms"):
        raise BenchError(
            f"baselines: '{name}' is also the name of a variant of this profile; rename the "
            "variant, because both would have the same name in a table"
        )
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
