"""The report page: its contents, and what it says about missing and damaged files."""

import json
import re
import shutil
from pathlib import Path

import h5py
import pandas as pd
import pytest

from cds_bench import jobs
from cds_bench.report import cards, contents, drilldown, plotting, products, targets
from cds_bench.report.captions import protocol, provenance
from cds_bench.report.making import make
from cds_bench.report.page import page, write_page
from cds_bench.report.product import Product
from cds_bench.report.table_formats import Table, dump
from cds_bench.statistics import schema
from cds_bench.storage import files, paths
from tests.report import synthetic
from tests.report.pages import complete, plain, sentences

SUITE = synthetic.SUITE
EVIL = "<script>alert(1)</script>"
CAPTIONS = []  # of the figures in the results below


@pytest.fixture(scope="module")
def config(tmp_path_factory, collected):
    """Results that tests only read."""
    title = plotting.title

    def remembered(made, heading, text):
        CAPTIONS.append(text)
        title(made, heading, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "title", remembered)
        return complete(tmp_path_factory.mktemp("results"), collected)


@pytest.fixture
def copy(config, tmp_path):
    """A copy of the results that a test may damage."""
    shutil.copytree(config.folder, tmp_path / config.profile)
    return config.model_copy(update={"results": str(tmp_path)})


@pytest.fixture
def undrawn(monkeypatch):
    """Leaves out the pictures of runs, which take most of a page's time."""
    monkeypatch.setattr(drilldown, "picture", lambda *_: "")


def test_it_contains_everything(config):
    text = page(config)
    listed = [Path(p) for p in targets.tables(config) + targets.figures(config)]
    for path in listed:
        if path.suffix in (".html", ".svg"):
            kind = "table" if path.suffix == ".html" else "figure"
            assert text.count(f'id="{kind}-{path.stem}"') == 1
    assert ">missing: " not in text
    for target in re.findall(r'href="#([^"]+)"', text):
        assert text.count(f'id="{target}"') == 1, target
    seen = plain(text)
    for said in (
        "2 sharing strategies (no_sharing, cds)",
        "2026-01-02 03:04:05 UTC to 2026-01-02 04:04:05 UTC",
        "A Processor, x86_64",
        "3.00 h (3:00:00)",
        config.protocol_sha256,
        "Failed or missing nothing",
        f"snakemake --cores all --configfile {paths.resolved(config)}",
        "ab" * 32,
        "cql × no_sharing 0123456789abcdef",
        "torch 2.13.0",
        files.sha256(paths.scores(config)),
        files.sha256(paths.dataset(config, SUITE, "jump")),
        "quality gate ✓ inside",
        "of the other tasks' transitions lie above its own mean return-to-go",
    ):
        assert said in seen, said
    for product, _ in targets.listed(config):
        assert product.caption in seen


def test_the_page_states_the_protocol_once_and_every_file_states_it(config):
    """The headroom of a pool does not depend on the protocol."""
    seen = plain(page(config))
    assert [seen.count(text) for text in protocol(config)] == [1, 1]
    scored = {"walker2d_mixed", "walker2d_mixed_comparisons", "ranks", "claims", "regime"}
    for path in map(Path, targets.tables(config)):
        if path.suffix in (".md", ".html") and "headroom" not in path.stem:
            text = plain(path.read_text(encoding="utf-8"))
            stated = protocol(config) if path.stem in scored else protocol(config)[1:]
            assert all(text.count(part) == 1 for part in stated), path


def test_a_caption_has_at_most_two_sentences():
    for product in products.PRODUCTS:
        assert sentences(product.caption) <= 2, product.name


def test_the_text_on_a_figure_has_at_most_two_sentences_and_no_protocol(config):
    assert len(CAPTIONS) >= len(targets.figures(config)) / 2  # each is written as png and svg
    for text in CAPTIONS:
        assert sentences(text) <= 2, text
        assert not any(part in text for part in protocol(config)), text


def test_the_files_of_a_figure_state_its_protocol(config):
    """The pictures of data have none."""
    for product, suite in targets.listed(config):
        stated = f"Profile {config.profile}." if product.data else provenance(config)
        assert all(stated.encode() in p.read_bytes() for p in product.figures(config, suite))


def test_it_mentions_too_few_steps_references_and_short_lists(tmp_path, stand_in):
    config = synthetic.config(
        tmp_path,
        algorithms={"cql": {}, "bc": {"sharing": ["cds"]}},
        sharing={stand_in: {}, "cds": {}},
        training={"steps": 1000},
    )
    seen = plain(page(config))
    assert (
        "1 sharing strategy (cds), beside the reference stand_in, with cql, bc (cds alone)" in seen
    )
    assert "Too few steps walker2d-mixed, cql: 1,000 steps at a target rate of 0.005 cover" in seen
    assert "cql × stand_in (reference)" in seen


def test_it_needs_no_other_file_and_is_reproducible(config):
    text = page(config)
    assert text == page(config)
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "url(" not in text


@pytest.mark.usefixtures("undrawn")
def test_new_tables_appear_by_themselves(copy, monkeypatch):
    novelty = Product(
        target="novelty",
        name="novelty",
        scope="profile",
        maker="novelty:novelty",
        caption="Something <new>.",
        inputs=lambda config, suite: [],
        table=("html", "json"),
    )
    monkeypatch.setattr(products, "PRODUCTS", (*products.PRODUCTS, novelty))
    assert "missing: novelty.html" in page(copy)
    table = Table("New & more", "", (), ("Held: 3 of 4.",))
    files.write_text(paths.table(copy, "novelty", "json"), dump(table))
    text = page(copy)
    assert "<h2>Novelty</h2>" in text
    assert "New &amp; more." in text
    assert "<p>Held: 3 of 4.</p>" in text
    assert "Something &lt;new&gt;." in text


@pytest.mark.usefixtures("undrawn")
def test_failed_and_missing_parts_are_named(copy):
    lost, broken = (paths.run(copy, SUITE, "cql", "cds", seeds) for seeds in ("0-0", "1-1"))
    shutil.rmtree(lost)
    reason = f"failed at step 7: {EVIL}"
    failures = [{"seed": 1, "step": 7, "reason": reason}]
    files.write_json(broken / "run.json", synthetic.run_record([1], failures=failures))
    paths.figure(copy, "aggregates", "svg", SUITE).unlink()
    paths.table(copy, "", "json", SUITE).unlink()
    paths.dataset(copy, SUITE, "jump").unlink()
    text = page(copy)
    seen = plain(text)
    assert f"{SUITE}, cql × cds, seeds 0-0: missing" in seen
    assert f"{SUITE}, cql × cds, seeds 1-1: seed 1 {reason}" in seen
    assert "of which 4 are complete" in seen
    assert "missing: walker2d_mixed_aggregates.svg" in seen
    assert "missing: walker2d_mixed.html" in seen
    assert "jump.hdf5: missing" in seen
    assert EVIL not in text


def test_an_empty_folder_gives_a_page(tmp_path):
    config = synthetic.config(tmp_path)
    write_page(config)
    text = Path(jobs.report(config)).read_text()
    assert text.count(">missing: ") == len(contents.items(config))
    assert "of which 0 are complete" in plain(text)
    assert "scores.csv: no such file" in text


DAMAGED = (
    "scores.csv", "runs/walker2d-mixed/cql/cds/seeds0-0/run.json", "config.json",
    "runs/walker2d-mixed/cql/cds/seeds0-0/metrics.csv", "tables/walker2d_mixed.csv",
    "tables/walker2d_mixed.json", "datasets/walker2d-mixed/manifest.json",
    "datasets/walker2d-mixed/jump.hdf5", "references/jump.json",
)  # fmt: skip


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("content", ["", '{"a": [1', "[1, 2]", EVIL, "a,b\n1,2\n", '{"tasks": 3}'])
def test_damaged_files_do_not_stop_it(copy, content):
    for name in DAMAGED:
        path = copy.folder / name
        assert path.exists()
        path.write_text(content)
    text = page(copy)
    assert "Provenance" in text
    assert "<script" not in text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("kind", ["folders", "loops"])
def test_what_is_no_file_does_not_stop_it(copy, kind):
    """Neither files that it reads nor the tables and figures that it shows."""
    shown = ("tables/claims.json", "figures/walker2d_mixed_aggregates.svg")
    for name in (*DAMAGED, *shown):
        path = copy.folder / name
        path.unlink()
        path.mkdir() if kind == "folders" else path.symlink_to(path)
    assert "Provenance" in page(copy)


def test_values_of_another_type_do_not_stop_it(copy):
    entry = {"quality": ["a"], "transitions": "many", "normalized_score": "high", "bytes": None}
    manifest = {"tasks": {"jump": entry, "run-forward": 3}, "versions": 4}
    files.write_json(paths.manifest(copy, SUITE), manifest)
    with h5py.File(paths.dataset(copy, SUITE, "jump"), "a") as file:
        file.attrs["score_quantiles"] = '["low", null]'
        file.attrs["behaviour"] = 5
    files.write_json(paths.references(copy, "jump"), {"random": 1, "expert": {"mean": "x"}})
    run = paths.run(copy, SUITE, "cql", "cds", "0-0")
    odd = {"failures": [3, {}], "hardware": [], "versions": {"a": [1]}, "started": 5, "ended": {}}
    files.write_json(run / "run.json", odd | {"wall_seconds": "long", "fingerprint": 1})
    (run / "metrics.csv").write_text("seed,step,metric,source,target,value\na,b,weight,x,y,z\n")
    summary = pd.read_csv(paths.table(copy, "", "csv", SUITE)).assign(n="three")
    files.write_csv(paths.table(copy, "", "csv", SUITE), summary)
    assert "Provenance" in page(copy)


def test_names_from_data_are_escaped(copy):
    """Everything in a file is treated as text."""
    run = paths.run(copy, SUITE, "cql", "cds", "0-0")
    record = synthetic.run_record(
        [0], versions={EVIL: EVIL}, hardware={"processor": EVIL}, started=EVIL, code=EVIL,
        fingerprint={"pool": EVIL}, interruptions=EVIL, wall_seconds=EVIL,
    )  # fmt: skip
    files.write_json(run / "run.json", record)
    scores = schema.read_scores(paths.scores(copy))
    others = scores[scores["sharing"] == "cds"].assign(algorithm=EVIL)
    for path in (paths.scores(copy), paths.scores(copy, SUITE)):
        files.write_csv(path, pd.concat([scores, others]))
    make(copy, "table", SUITE)
    manifest = files.read_json(paths.manifest(copy, SUITE))
    manifest["tasks"]["jump"] |= {"quality": EVIL, "sha256": EVIL, "metric": EVIL}
    files.write_json(paths.manifest(copy, SUITE), manifest)
    with h5py.File(paths.dataset(copy, SUITE, "jump"), "a") as file:
        file.attrs["behaviour"] = json.dumps([{EVIL: EVIL}])
        file.attrs["environment"] = EVIL
    text = page(copy)
    assert "<script" not in text
    assert plain(text).count(EVIL) > 10
    assert f"{EVIL} × cds" in plain(text), "a baseline's method is among the runs"


@pytest.mark.parametrize(
    ("quality", "score", "expected"),
    [
        ("expert", 0.7, "✓ inside 0.7 to 1.3"),
        ("expert", 0.69, "✗ outside 0.7 to 1.3"),
        ("expert", None, None),
        ("unknown", 0.5, None),
    ],
)
def test_the_gate(tmp_path, quality, score, expected):
    known = {"quality": quality, "normalized_score": score}
    assert cards.gate(synthetic.config(tmp_path).datasets.bands, known) == expected


def test_panels_of_a_run():
    tasks = ("a", "b")
    metrics = synthetic.run_metrics(SUITE, "cds", range(2)).fillna({"source": "", "target": ""})
    names = dict(zip(("run-forward", "run-backward"), tasks, strict=True))
    metrics = metrics.replace({"source": names, "target": names})
    scores = pd.DataFrame(
        {"task": "a", "seed": [0, 1, 1], "step": [0, 0, 9], "normalized_score": [0.1, 0.3, 0.5]}
    )
    shown = dict(drilldown.panels(scores, metrics, tasks))
    assert list(shown) == ["a", "own share of effective data", "weight of others' data",
                           "critic loss", "selection auc", "selection spearman",
                           "selection weight"]  # fmt: skip
    assert shown["a"]["a"].mean(axis=1).tolist() == pytest.approx([20.0, 50.0])
    assert list(shown["critic loss"]) == [""]
    own = shown["own share of effective data"]
    assert list(own) == ["a", "b"]
    assert len(own["a"]) <= drilldown.POINTS
    assert own["a"].index[-1] == metrics["step"].max()
    assert (own["a"].iloc[-1] > own["a"].iloc[0]).all(), "foreign weights fall"
