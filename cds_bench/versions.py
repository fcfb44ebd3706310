"""Versions of the packages that a file's numbers depend on."""

import importlib.metadata

import cds_bench


def versions(*packages: str) -> dict[str, str]:
    """cds-bench's version and that of each installed distribution named."""
    installed = {name: importlib.metadata.version(name) for name in packages}
    return installed | {"cds-bench": cds_bench.__version__}
