"""Random configurations and damaged files: a plain error, and nothing half-written; seeded."""

import contextlib
import random
import shutil

import pytest
import yaml
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from cds_bench.config import Config, load
from cds_bench.dataset.pool import load_pool
from cds_bench.dataset.relabel import build_pool
from cds_bench.errors import BenchError
from cds_bench.evaluation.policy import load_policies
from cds_bench.statistics import metrics, schema, shift
from cds_bench.storage import paths, seals
from cds_bench.storage.reference_scores import read_references
from tests.config.profiles import with_value
from tests.report import synthetic

CASES = 200
LONGEST = 80_000  # characters of a message: forty lines of 1500 each
MIXED = "walker2d-mixed"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["cds", "cql", "no_sharing", "../x", "$(touch x)", "a" * 5000, "{suite}"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
names = st.sampled_from(
    [*Config.model_fields, "steps", "hidden", "use", "tau", "threshold", "actions", "sharing",
     "bands", "expert", "resamples", "final_snapshots", "cql", "cds", "jump", MIXED, "navigation"]
)  # fmt: skip
places = st.lists(names | st.text(max_size=9), min_size=1, max_size=4)


@contextlib.contextmanager
def plain_error():
    """What is done may succeed, or fail with the one error that users are meant to read."""
    found = []
    try:
        yield
    except BenchError as error:
        found.append(str(error))
    assert all(0 < len(message) < LONGEST for message in found)


@seed(0)
@settings(max_examples=CASES, deadline=None, database=None)
@given(places, values)
def test_configurations(tmp_path_factory, place, value):
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_text(yaml.safe_dump(with_value(place, value)), encoding="utf-8")
    with plain_error():
        config = load(file)
        assert Config.model_validate_json(config.model_dump_json()) == config


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A flipped bit, a cut, a piece that is repeated, zeros, or noise."""
    made = bytearray(data)
    start = rng.randrange(len(made))
    stop = min(len(made), start + rng.choice((1, 8, 200)))
    kind = rng.randrange(6)
    if kind <= 1:
        made[start] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del made[start:]
    elif kind == 3:
        made[start:start] = made[start:stop]
    elif kind == 4:
        made[start:stop] = bytes(stop - start)
    else:
        made[start:stop] = rng.randbytes(stop - start)
    return bytes(made)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of synthetic runs, whose records say what training and evaluation wrote."""
    config = synthetic.config(tmp_path_factory.mktemp("fuzz"), sharing={"cds": {}})
    synthetic.write(config)
    return config


@pytest.fixture(scope="module")
def readers(results, trained):
    """A file that one stage writes, and what reads it in the next one."""
    key, real = (MIXED, "cql", "cds", "0-2"), (MIXED, "cql", "cds", "0-1")
    folder = paths.run(results, *key)

    def statistics():
        schema.merge(results, MIXED)
        shift.merge(results, MIXED)
        schema.lacking(results, MIXED)

    def sampled():
        metrics.read_metrics(results, MIXED, "cql", "cds", ["weight"])

    policies = paths.run(trained, *real) / seals.POLICIES
    pool, dataset = paths.pool(trained, MIXED), paths.dataset(trained, MIXED, "jump")
    return [
        (paths.run_scores(results, *key), statistics),
        (paths.run_values(results, *key), statistics),
        (paths.run_evaluation(results, *key), statistics),
        (folder / "run.json", statistics),
        (folder / "shift.csv", statistics),
        (folder / "metrics.csv", sampled),
        (paths.references(results, "jump"), lambda: read_references(results, "jump")),
        (policies, lambda: load_policies(policies)),
        (pool, lambda: load_pool(pool)),
        (dataset, lambda: build_pool(trained, MIXED)),
        (paths.manifest(trained, MIXED), lambda: build_pool(trained, MIXED)),
    ]


def test_damaged_files(readers):
    """Each reader refuses plainly or reads; a pool is written whole or stays as it was."""
    rng = random.Random(0)
    read_whole = 0
    for case in range(CASES):
        path, read = readers[case % len(readers)]
        whole = path.read_bytes()
        names = set(path.parent.iterdir())
        path.write_bytes(damaged(whole, rng))
        try:
            with plain_error():
                read()
                read_whole += 1
        finally:
            path.write_bytes(whole)
        assert set(path.parent.iterdir()) == names, "nothing half-written"
    assert read_whole < CASES / 2


@pytest.mark.parametrize("kind", ["a folder", "a loop", "nothing", "an empty file"])
def test_what_is_no_file(readers, kind):
    for path, read in readers:
        whole = path.read_bytes()
        path.unlink()
        if kind == "a folder":
            path.mkdir()
        elif kind == "a loop":
            path.symlink_to(path)
        elif kind == "an empty file":
            path.write_bytes(b"")
        try:
            with plain_error():
                read()
        finally:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.write_bytes(whole)
