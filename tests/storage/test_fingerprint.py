"""A fingerprint changes if and only if the code that a stage runs changes."""

import shutil
from pathlib import Path

import pytest

import envs
from cds_bench import jobs
from cds_bench.storage import fingerprint as module
from cds_bench.storage.fingerprint import closure, fingerprint

FILES = {
    "cds_bench/__init__.py": '"""A package."""\n',
    "cds_bench/errors.py": "class BenchError(Exception):\n    pass\n",
    "cds_bench/engine.py": (
        '"""The engine."""\n\n'
        "import numpy\n\n"
        "from cds_bench import helper\n"
        "from cds_bench.errors import BenchError\n\n\n"
        "def run():\n"
        '    """Runs."""\n'
        "    import envs.world\n\n"
        "    return helper.half(4)\n"
    ),
    "cds_bench/helper.py": "def half(x):\n    return x / 2\n",
    "cds_bench/sharing/__init__.py": "",
    "cds_bench/sharing/common.py": "ONE = 1\n",
    "cds_bench/sharing/first.py": "from cds_bench.sharing.common import ONE\n",
    "cds_bench/sharing/second.py": "TWO = 2\n",
    "envs/__init__.py": "",
    "envs/world.py": "GRAVITY = 9.81\n",
}


def forget():
    for cached in (module._path, module._tree, module.imports, module._code):
        cached.cache_clear()


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """A tiny project that replaces this one; `edit(file, text)` changes it."""

    def write(name: str, text: str):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        forget()

    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name, text in FILES.items():
        write(name, text)
    yield write
    forget()


ENGINE = FILES["cds_bench/engine.py"]
SAME = {
    "comment": ENGINE.replace("    return", "    # why\n    return"),
    "trailing comment": ENGINE.replace("half(4)", "half(4)  # a half"),
    "docstring": ENGINE.replace("Runs.", "Runs, and says so."),
    "docstring removed": ENGINE.replace('    """Runs."""\n', ""),
    "module's docstring removed": ENGINE.replace('"""The engine."""\n\n', ""),
    "blank lines": ENGINE.replace("import numpy\n", "\n\nimport numpy\n\n\n"),
    "line breaks": ENGINE.replace("half(4)", "half(\n        4,\n    )"),
    "quotes": ENGINE.replace('"""', "'''"),
}
OTHER = {
    "number": ENGINE.replace("half(4)", "half(5)"),
    "operator": ENGINE.replace("helper.half", "-helper.half"),
    "name": ENGINE.replace("def run", "def walk"),
    "argument": ENGINE.replace("def run()", "def run(x=1)"),
    "decorator": ENGINE.replace("def run", "@print\ndef run"),
    "statement": ENGINE.replace("    return", "    print(1)\n    return"),
}


@pytest.mark.parametrize("name", SAME)
def test_edits_that_do_not_change_the_code_keep_the_fingerprint(edit, name):
    before = fingerprint("cds_bench.engine")
    assert SAME[name] != ENGINE
    edit("cds_bench/engine.py", SAME[name])
    assert fingerprint("cds_bench.engine") == before


@pytest.mark.parametrize("name", OTHER)
def test_edits_of_the_code_change_the_fingerprint(edit, name):
    before = fingerprint("cds_bench.engine")
    assert OTHER[name] != ENGINE
    edit("cds_bench/engine.py", OTHER[name])
    assert fingerprint("cds_bench.engine") != before


def test_the_docstring_of_an_empty_function_does_not_count(edit):
    edit("envs/world.py", 'def f():\n    """Nothing."""\n')
    before = fingerprint("envs.world")
    edit("envs/world.py", 'def f():\n    """Still nothing."""\n')
    assert fingerprint("envs.world") == before


def test_imports_are_followed(edit):
    """They are followed into packages, through `from package import module` and in functions."""
    assert closure(("cds_bench.engine",)) == {
        "cds_bench", "cds_bench.engine", "cds_bench.helper", "envs.world",
    }  # fmt: skip
    before = fingerprint("cds_bench.engine")
    edit("envs/world.py", "GRAVITY = 1.62\n")
    assert fingerprint("cds_bench.engine") != before


def test_neutral_modules_are_left_out(edit):
    before = fingerprint("cds_bench.engine")
    edit("cds_bench/errors.py", "class BenchError(Exception):\n    text = 'other'\n")
    assert fingerprint("cds_bench.engine") == before


def test_a_plug_in_does_not_affect_other_plug_ins(edit):
    engine, second = fingerprint("cds_bench.engine"), fingerprint("cds_bench.sharing.second")
    first = fingerprint("cds_bench.engine", "cds_bench.sharing.first")
    edit("cds_bench/sharing/common.py", "ONE = 1.0\n")
    assert fingerprint("cds_bench.engine", "cds_bench.sharing.first") != first
    assert fingerprint("cds_bench.engine") == engine
    assert fingerprint("cds_bench.sharing.second") == second


def test_names_count_but_their_order_does_not(edit):
    pair = ("cds_bench.helper", "envs.world")
    assert fingerprint(*pair) == fingerprint(*reversed(pair))
    edit("cds_bench/copy.py", FILES["cds_bench/helper.py"])
    assert fingerprint("cds_bench.copy") != fingerprint("cds_bench.helper")


@pytest.mark.usefixtures("edit")
@pytest.mark.parametrize("name", ["cds_bench.none", "numpy", "cds_bench.sharing.third"])
def test_an_unknown_module_is_refused(name):
    with pytest.raises(ValueError, match=f"no module '{name}'"):
        fingerprint(name)


def test_the_stages_of_this_project():
    """Editing a strategy retrains its own runs; editing a loss leaves the data alone."""
    training = closure(("cds_bench.training.run", "cds_bench.algorithms.cql"))
    assert {"cds_bench.training.loop", "cds_bench.algorithms.networks"} <= training
    assert not [name for name in training if name.startswith(("cds_bench.sharing.", "envs"))]
    for stage in ("dataset.collect", "dataset.relabel", "evaluation.evaluate", "report.tables"):
        behind = closure((f"cds_bench.{stage}",))
        assert len(behind) > 3
        assert not [n for n in behind if n.startswith(("cds_bench.algor", "cds_bench.training"))]


# The stages of a domain that an edit reruns. DATA means references and datasets.
DATA, POOL, SCORES = "data", "pool", "scores"
EDITS = {
    ("envs/locomotion.py", "CONTROL_COST = 1e-3"): {"locomotion": {DATA, POOL, SCORES}},
    ("envs/walker2d.py", "class Walker2dTask("): {"locomotion": {DATA, SCORES}},
    ("envs/navigation.py", "RADIUS = 0.5"): {"navigation": {DATA, POOL, SCORES}},
    ("envs/maze.py", "START_NOISE = 0.5"): {"navigation": {DATA, SCORES}},
    ("envs/reach.py", "FAR = 4.0"): {"navigation": {DATA, SCORES}},
    ("cds_bench/behaviour/navigation.py", "NOISE = 0.2"): {"navigation": {DATA}},
    ("envs/manipulation.py", "DOOR_OPEN, "): {"manipulation": {DATA, POOL, SCORES}},
    ("envs/sawyer.py", "SUBSTEPS = 5"): {"manipulation": {DATA, SCORES}},
    ("cds_bench/behaviour/manipulation.py", "GAIN = 20.0"): {"manipulation": {DATA}},
    ("envs/__init__.py", "import importlib"): {},
    ("cds_bench/behaviour/recipes.py", "import importlib"): {},
    ("cds_bench/behaviour/rollout.py", "EPISODE_SEEDS = "): {
        domain: {DATA} for domain in envs.DOMAINS
    },
}


def stages() -> dict[tuple[str, str], str]:
    """The fingerprints in the rules, per domain and stage."""
    found = {}
    for domain in envs.DOMAINS:
        world, behaviours = jobs.world(domain), jobs.behaviours(domain)
        found[domain, DATA] = fingerprint(
            "cds_bench.behaviour.references", "cds_bench.dataset.collect", *behaviours
        )
        found[domain, POOL] = fingerprint("cds_bench.dataset.relabel", *world[:1])
        found[domain, SCORES] = fingerprint("cds_bench.evaluation.evaluate", *world)
    return found


@pytest.mark.parametrize("place", EDITS, ids=lambda place: place[0])
def test_a_domains_code_reruns_its_own_stages(tmp_path, monkeypatch, place):
    for package in module.PACKAGES:
        shutil.copytree(
            Path(envs.__file__).parents[1] / package,
            tmp_path / package,
            ignore=lambda _, names: [name for name in names if "." in name and ".py" != name[-3:]],
        )
    monkeypatch.setattr(module, "ROOT", tmp_path)
    forget()
    before = stages()
    file, line = tmp_path / place[0], place[1]
    text = file.read_text()
    assert text.count(f"\n{line}") == 1
    file.write_text(text.replace(f"\n{line}", f"\nEDITED = 1\n{line}"))
    forget()
    after = stages()
    forget()
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {(domain, stage) for domain, names in EDITS[place].items() for stage in names}
