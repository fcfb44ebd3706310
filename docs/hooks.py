"""Links of the documents work in the repository and on the site, which has its own root."""

import re


def on_page_markdown(markdown: str, page, **_) -> str:
    """Files outside docs/ that the site holds lie at its root, so `../results/x` is `results/x`."""
    if "/" in page.file.src_uri:
        return markdown
    return re.sub(r"\]\(\.\./(results|benchmarks)/", r"](\1/", markdown)
