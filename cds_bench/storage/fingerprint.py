"""Fingerprints of the code that a stage's results depend on, without comments and docstrings.

Snakemake does not notice edits in imported packages. Each rule therefore has the `fingerprint(...)`
of its stage's modules as a parameter. An edit then reruns the stages that it can change and no
others.
"""

import ast
import functools
import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("cds_bench", "envs")

# These modules report, check or find things but compute no results. The rules' parameters already
# contain the values that they pass on.
_NEUTRAL = """
behaviour behaviour.recipes config config.plugins config.profile config.sections errors progress
ranges report.products report.sources report.targets storage.fingerprint storage.locks
storage.paths storage.versions
"""
NEUTRAL = frozenset(["envs", *(f"cds_bench.{name}" for name in _NEUTRAL.split())])


def fingerprint(*modules: str) -> str:
    """A hash over the named modules and all of this project's modules that they import.

    Plug-ins and domains are loaded by name, so following imports does not find them. Callers must
    name them. A folder with a suite.py, a suite of your own, counts as one module.
    """
    digest = hashlib.sha256()
    for module in sorted(closure(modules)):
        digest.update(f"{Path(module).name} {_code(module)}\n".encode())
    return digest.hexdigest()[:16]


def closure(modules: tuple[str, ...]) -> set[str]:
    """The modules and all of this project's modules that they import, directly or indirectly."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found and module not in NEUTRAL:
            found.add(module)
            waiting.extend(imports(module))
    return found


@functools.cache
def _path(module: str) -> Path | None:
    """The file of one of this project's modules or a suite's folder; None for anything else."""
    if (Path(module) / "suite.py").is_file():
        return Path(module)
    if module.split(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*module.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.exists()), None)


@functools.cache
def _tree(module: str) -> ast.Module:
    """The syntax tree without docstrings. Comments are not part of a syntax tree."""
    path = _path(module)
    if path is None:
        raise ValueError(f"fingerprint: no module '{module}' in this project")
    if path.is_file():
        return _parsed(path)
    files = [_parsed(file) for file in sorted(path.glob("*.py"))]
    return ast.Module([ast.If(ast.Constant(True), file.body, []) for file in files], [])


def _parsed(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[:] = body[1:] or [ast.Pass()]
    return tree


@functools.cache
def imports(module: str) -> frozenset[str]:
    """This project's modules that a module imports, at its top or in a function."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if _path(name))


@functools.cache
def _code(module: str) -> str:
    """A hash of the module's code, laid out anew from its syntax tree."""
    return hashlib.sha256(ast.unparse(_tree(module)).encode()).hexdigest()
