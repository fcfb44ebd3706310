"""The paper's claims 1 to 7 (Yu et al. 2021) as tests on what was measured here.

Each claim is decided for every scope that it is about, and then as a whole. The criteria are fixed
here [ours]. The tests are paired, exact sign-flip permutation tests over training seeds. Scores are
normalised and, for each seed, averaged over the tasks of a suite.
"""

from dataclasses import astuple

import pandas as pd

from cds_bench.config import Config
from cds_bench.statistics.claims_on_cds import comparable, works_with
from cds_bench.statistics.claims_on_margins import improves
from cds_bench.statistics.claims_on_sharing import shifted, worse_shared
from cds_bench.statistics.decisions import COLUMNS, Data
from cds_bench.statistics.headline import headline
from cds_bench.statistics.schema import read_scores
from cds_bench.statistics.shift import read_shift
from cds_bench.statistics.theory_claims import theoretical
from cds_bench.storage import files, paths


def claims(config: Config, scores: pd.DataFrame, shift: pd.DataFrame) -> pd.DataFrame:
    """A row per claim and scope, and one per claim as a whole. `scores` is a checked frame."""
    data = Data(config, headline(scores, config.protocol), shift)
    rows = [
        *worse_shared(data),
        *shifted(data),
        *comparable(data),
        *improves(data),
        *works_with(data),
        *theoretical(config),
    ]
    return pd.DataFrame([astuple(row) for row in rows], columns=COLUMNS)


def write_claims(config: Config) -> None:
    """Writes claims.csv from scores.csv and shift.csv."""
    found = claims(config, read_scores(paths.scores(config)), read_shift(config))
    files.write_csv(paths.claims(config), found)
