"""Pages that are made from other files: the API reference, reference results, the speed report."""

from pathlib import Path

import mkdocs_gen_files

ROOT = Path(__file__).parents[1]
KEPT = (".md", ".png", ".html", ".csv", ".json")  # of the reference results


def copied(folder: str) -> list[Path]:
    """Copies a folder's files into the site under the same path, and returns their paths."""
    found = [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in KEPT]
    for path in found:
        with mkdocs_gen_files.open(str(path.relative_to(ROOT)), "wb") as page:
            page.write(path.read_bytes())
    return [path.relative_to(ROOT) for path in found]


def reference() -> None:
    """A page for every module, from its docstrings, and their table of contents."""
    nav = mkdocs_gen_files.Nav()
    for package in ("cds_bench", "envs"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if parts[-1].startswith("__"):
                continue
            name = ".".join(parts)
            nav[parts] = f"{name}.md"
            with mkdocs_gen_files.open(f"reference/{name}.md", "w") as page:
                page.write(f"::: {name}\n")
    with mkdocs_gen_files.open("reference/SUMMARY.md", "w") as page:
        page.writelines(nav.build_literate_nav())


def results() -> None:
    """The list of all committed runs with their tables, figures and reports."""
    lines = ["# Results", "", "Every run below is committed with its scores and provenance.", ""]
    for profile in sorted((ROOT / "results" / "reference").iterdir()):
        lines += [f"## {profile.name}", ""]
        paths = copied(f"results/reference/{profile.name}")
        for title, kind, suffix in (
            ("Report", "", ".html"),
            ("Tables", "tables", ".md"),
            ("Figures", "figures", ".png"),
        ):
            folder = kind or profile.name
            found = [p for p in paths if p.suffix == suffix and p.parent.name == folder]
            if found:
                lines += [f"{title}: " + ", ".join(f"[{p.stem}]({p})" for p in found) + ".", ""]
    with mkdocs_gen_files.open("results.md", "w") as page:
        page.write("\n".join(lines))


reference()
results()
copied("benchmarks/results")
