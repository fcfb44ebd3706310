"""Finds plug-ins by the names of their files, and reads their options without importing them.

A plug-in is a module of `cds_bench.algorithms` or `cds_bench.sharing` that defines a dataclass
`Config`. `cds_bench.contracts` describes what else it defines. The name of the file is the name in
the configuration. A variant has its own name, and `use` names its plug-in:
`cds_k50: {use: cds, threshold: 50}`. Options are read from the syntax tree, so a configuration can
be checked without torch. `cds_bench.ranges` defines their types and ranges.
An algorithm's `sharing: [no_sharing]` lists the strategies that it is trained with. Without this
key, it is trained with all of them. A strategy whose module says `REFERENCE = True` is a reference,
not a method: it is shown but never ranked.
An external baseline is a folder of `workflow/baselines` with a rule.smk. It defines its options
itself.
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
USE = "use"  # the option of a variant that names its plug-in
SHARING = "sharing"  # the option of an algorithm that lists its strategies
REFERENCE = "REFERENCE"  # the constant in the module of a strategy that is not a method
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
    """The fields of a plug-in's `Config`, starting with those of its base class."""
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
    """Whether the module of a sharing plug-in says `REFERENCE = True`."""
    for node in ast.parse(path_of("sharing", name).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == REFERENCE for target in targets):
            return ast.literal_eval(node.value) is True
    return False


def own_options(options: dict) -> dict:
    """The options that a plug-in itself reads, and `use`, but not the list of strategies."""
    return {key: value for key, value in options.items() if key != SHARING}


def option_type(kind: str, name: str, field: ast.AnnAssign) -> Any:
    """An option's type with its range. Raises BenchError if its annotation uses other names."""
    code = compile(ast.Expression(field.annotation), str(path_of(kind, name)), "eval")
    try:
        return eval(code, {"__builtins__": {}}, NAMES)
    except (NameError, TypeError, AttributeError):
        raise BenchError(
            f"{path_of(kind, name)}: option '{field.target.id}' has the type "
            f"{ast.unparse(field.annotation)}; expected one made of {', '.join(NAMES)}"
        ) from None


def check_options(kind: str, name: str, module: str, options: dict) -> None:
    """Raises BenchError if an option does not have its declared type and range."""
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
    """The plug-in behind a configured name: the one that `use` names, or else the name itself."""
    return options.get(USE, name)


def check(kind: str, name: str, options: dict) -> None:
    """Raises BenchError for an unknown plug-in or option. It suggests the nearest valid name."""
    valid, module = names(kind), module_name(name, options)
    if not isinstance(module, str):
        raise BenchError(
            f"{kind}.{name}.{USE}: got {shown(module)}; expected the name of a plug-in"
            f"{nearest('', valid)}"
        )
    if USE in options and name in valid:
        raise BenchError(
            f"{kind}.{name}: '{name}' is itself a plug-in; give the variant another name"
        )
    if not re.fullmatch(NAME, name):
        raise BenchError(
            f"{kind}: {shown(name)} is not a name; expected up to 64 letters, digits and _"
        )
    if module not in valid:
        hint = "" if USE in options else f" (a variant needs {USE}: <its plug-in>)"
        raise BenchError(f"{kind}: unknown name '{module}'{nearest(module, valid)}{hint}")
    known = fields(kind, module)
    special = (USE, SHARING) if kind == "algorithms" else (USE,)
    for key in options:
        if key not in (*known, *special):
            raise BenchError(f"{kind}.{name}: unknown key '{key}'{nearest(key, known)}")
    check_options(kind, name, module, options)


def check_strategies(algorithm: str, names, configured) -> None:
    """Raises BenchError unless an algorithm's `sharing` lists configured strategies."""
    where = f"algorithms.{algorithm}.{SHARING}"
    if not isinstance(names, list) or not names:
        raise BenchError(
            f"{where}: got {shown(names)}; expected a list of at least one configured strategy; "
            "omit the key to use all of them"
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
    """Raises BenchError for an unknown baseline, and for a name that clashes with one of ours.

    variants: the profile's names for algorithms and strategies.
    """
    if name in variants and name not in names("algorithms"):
        raise BenchError(
            f"baselines: '{name}' is also the name of a variant of this profile; rename the "
            "variant, because both would have the same name in tables"
        )
    if name in names("algorithms"):
        raise BenchError(
            f"baselines: '{name}' is the name of an algorithm; rename {BASELINES.name}/{name}, "
            "because both would have the same column in tables"
        )
    if name not in (valid := baselines()):
        raise BenchError(f"baselines: unknown name '{name}'{nearest(name, valid)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BenchError(
            f"baselines: '{name}' is not a valid name for a baseline; use a-z, 0-9 and _, because "
            "it is a part of the names of rules and files"
        )


def load(kind: str, name: str) -> ModuleType:
    """Imports a plug-in. The caller must have checked its name."""
    return importlib.import_module(f"cds_bench.{kind}.{name}")
