"""The packages, the processor and the time that a file's numbers were made with."""

import importlib.metadata
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import cds_bench


def versions(*packages: str) -> dict[str, str]:
    """The versions of cds-bench and of the named installed distributions."""
    installed = {name: importlib.metadata.version(name) for name in packages}
    return installed | {"cds-bench": cds_bench.__version__}


def processor() -> str:
    """The processor's name, as Linux or else Python reports it."""
    about = Path("/proc/cpuinfo")
    text = about.read_text(encoding="utf-8") if about.exists() else ""
    named = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def now() -> str:
    """The time in UTC, to the second (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")
