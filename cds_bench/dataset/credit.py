"""Whose data a suite has: the author, citation and licence that an export names."""

from dataclasses import dataclass
from pathlib import Path

import cds_bench
import envs
from cds_bench.errors import BenchError
from envs.own_checks import CITED, FILE

CITATION = (
    "cds-bench: a reproducible benchmark of data sharing in multi-task offline reinforcement "
    f"learning, version {cds_bench.__version__}. T. Yu, A. Kumar, Y. Chebotar, K. Hausman, "
    "S. Levine and C. Finn: Conservative Data Sharing for Multi-Task Offline Reinforcement "
    "Learning, NeurIPS 2021, arXiv:2109.08128."
)


@dataclass(frozen=True)
class Credit:
    """`url` and `version` are those of the data, known for ours alone."""

    author: str
    citation: str
    license: str
    url: str | None = None
    version: str | None = None


OURS = Credit(
    author="cds-bench contributors",
    citation=CITATION,
    license="https://spdx.org/licenses/MIT.html",
    url="https://arxiv.org/abs/2109.08128",
    version=cds_bench.__version__,
)


def credit(suite: str) -> Credit:
    """Whose data a suite's are. A suite of your own must say it itself.

    Raises BenchError if its suite.py does not.
    """
    name = envs.SUITES[suite].domain
    if not (folder := envs.own_folder(name)):
        return OURS
    told = {key: getattr(envs.DOMAINS[name], key, None) for key in CITED}
    if missing := [key for key, value in told.items() if value is None]:
        expected = "; ".join(f"{key}: {CITED[key][1]}" for key in missing)
        raise BenchError(
            f"{Path(folder) / FILE}: an export says whose data these are, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; define above TASKS {expected}"
        )
    return Credit(**{key.lower(): value for key, value in told.items()})
