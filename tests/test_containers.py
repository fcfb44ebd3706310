"""The containers' files: what they copy exists, and both run the same installation."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "containers" / "Dockerfile").read_text()
DEFINITION = (ROOT / "containers" / "cds-bench.def").read_text()
SCRIPT = (ROOT / "containers" / "install.sh").read_text()


def test_everything_that_apptainer_copies_exists():
    section = re.search(r"^%files\n(.*?)\n\n", DEFINITION, re.DOTALL | re.MULTILINE)[1]
    pairs = [line.split() for line in section.splitlines()]
    assert len(pairs) > 5
    for name, place in pairs:
        assert (ROOT / name).exists()
        assert place == f"/opt/cds-bench/{name}"


def test_the_copied_files_suffice_for_the_installation():
    makefile = (
        (ROOT / "Makefile").read_text().replace("requirements-docs.txt", "")
    )  # for docs alone
    needed = set(re.findall(r"requirements[a-z-]*\.(?:lock|txt)", makefile)) | {"pyproject.toml"}
    assert needed == {name for name in needed if f"    {name} /opt" in DEFINITION}


def test_both_run_the_same_script_on_the_same_base():
    base = re.search(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)[1]
    assert f"    BASE={base}\n" in DEFINITION
    for text in (DOCKERFILE, DEFINITION):
        assert "containers/install.sh" in text


def test_the_script_names_targets_that_exist():
    targets = re.search(r"^make --no-print-directory (.+)$", SCRIPT, re.MULTILINE)[1].split()
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in targets)


def test_the_workflow_names_the_image_that_the_page_builds():
    image = re.search(r'^container: "(.+)"$', (ROOT / "Snakefile").read_text(), re.MULTILINE)[1]
    page = (ROOT / "docs" / "cluster.md").read_text()
    assert f"apptainer build {image} containers/cds-bench.def" in page
