"""A plain record of a table, and its Markdown, LaTeX (booktabs), HTML and JSON."""

import html as escaping
import itertools
import json
import re
from dataclasses import asdict, dataclass

MISSING, FAILED, RUNNING = "missing", "failed", "running"


@dataclass(frozen=True)
class Cell:
    """A cell: its text, details in smaller print (an interval, a count), and whether it is bold."""

    text: str
    details: tuple[str, ...] = ()
    bold: bool = False

    @property
    def missing(self) -> bool:
        return self.text in (MISSING, FAILED, RUNNING)


@dataclass(frozen=True)
class Block:
    """Rows under one header. A table of several algorithms has one block for each."""

    title: str
    columns: tuple[str, ...]  # without the column of row labels
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    rules: tuple[int, ...] = ()  # a thin line is drawn above these rows
    left: int = 0  # the number of leading columns that hold words and are aligned to the left


@dataclass(frozen=True)
class Table:
    title: str
    label: str  # the header of the column of row labels
    blocks: tuple[Block, ...]
    caption: tuple[str, ...]  # paragraphs
    notes: tuple[str, ...] = ()  # what is missing, and where
    protocol: tuple[str, ...] = ()  # paragraphs; files have them, and the report page has its own

    @property
    def explanation(self) -> tuple[str, ...]:
        """The paragraphs below the table in a file that holds only this table."""
        return (*self.caption, *self.protocol)


def markdown(table: Table) -> str:
    lines = [f"### {table.title}", ""]
    for block in table.blocks:
        lines += [f"**{block.title}**", ""] if block.title else []
        lines.append(_pipes([table.label, *block.columns]))
        lines.append(
            _pipes(["---", *["---"] * block.left, *["---:"] * (len(block.columns) - block.left)])
        )
        lines += [_pipes([label, *map(_markdown_cell, cells)]) for label, cells in block.rows]
        lines.append("")
    for paragraph in table.explanation:
        lines += [paragraph, ""]
    if table.notes:
        lines += ["Missing or incomplete:", "", *(f"- {n}" for n in table.notes), ""]
    return "\n".join(lines)


def _pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.bold else cell.text
    return f"{text} {'; '.join(cell.details)}".strip()


LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "×": r"$\times$", "≥": r"$\geq$", "∞": r"$\infty$", "−": "$-$", "<": "$<$", ">": "$>$",
}  # fmt: skip


def latex(table: Table) -> str:
    r"""A table float that needs only booktabs. Details are in a line below their cells."""
    width = max(len(block.columns) for block in table.blocks) + 1
    left = max(block.left for block in table.blocks)
    text = " ".join([*table.explanation, *(f"Incomplete: {note}." for note in table.notes)])
    lines = [
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{\textbf{{{_tex(table.title)}.}} {_tex(text)}}}",
        rf"\label{{tab:{re.sub(r'[^a-z0-9]+', '-', table.title.lower())}}}",
        rf"\begin{{tabular}}{{{'l' * (1 + left)}{'r' * (width - 1 - left)}}}",
        r"\toprule",
    ]
    for number, block in enumerate(table.blocks):
        lines += [r"\midrule"] if number else []
        if block.title:
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_tex(block.title)}}}}} \\")
        lines.append(_ampersands([_tex(name) for name in (table.label, *block.columns)], width))
        lines.append(r"\midrule")
        for position, (label, cells) in enumerate(block.rows):
            lines += [r"\midrule"] if position in block.rules else []
            lines += _latex_row(label, cells, width)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _latex_row(label: str, cells: tuple[Cell, ...], width: int) -> list[str]:
    texts = [rf"\textbf{{{_tex(c.text)}}}" if c.bold else _tex(c.text) for c in cells]
    lines = [_ampersands([_tex(label), *texts], width)]
    for details in itertools.zip_longest(*(cell.details for cell in cells), fillvalue=""):
        small = [rf"{{\scriptsize {_tex(detail)}}}" if detail else "" for detail in details]
        lines.append(_ampersands(["", *small], width))
    lines[-1] += "[2pt]" if len(lines) > 1 else ""
    return lines


def _ampersands(cells: list[str], width: int) -> str:
    return " & ".join([*cells, *[""] * (width - len(cells))]) + r" \\"


def _tex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in minus(text))


STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #1a1a1a;
  background: #fff; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-style: italic; padding: 0 0 .3rem .7rem; }
th, td { padding: .3rem .7rem; text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; }
.word { text-align: left; }
tbody th { font-weight: 400; }
thead tr { border-top: 2px solid #1a1a1a; border-bottom: 1px solid #1a1a1a; }
tbody { border-bottom: 2px solid #1a1a1a; }
tr.rule { border-top: 1px solid #1a1a1a; }
td b { font-weight: 700; }
td small { display: block; color: #555; font-size: .8rem; line-height: 1.2; }
.missing, .missing small { color: #a33; font-style: italic; }
.caption { max-width: 60rem; color: #333; font-size: .9rem; }
.caption p { margin: 0 0 .5rem; }
"""


def html(table: Table) -> str:
    """A page that needs no other file."""
    title = escaping.escape(table.title)
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>",
        *_blocks(table),
        '<div class="caption">',
        *_paragraphs(table.explanation),
        *_notes(table),
        "</div>\n</body>\n</html>",
    ]
    return "\n".join([*lines, ""])


def content(table: Table) -> str:
    """A table on the report page: its caption is folded, and the page itself has the protocol."""
    lines = [*_blocks(table), '<div class="caption">', *_notes(table)]
    if table.caption:
        lines.append("<details><summary>How to read this table</summary>")
        lines += [*_paragraphs(table.caption), "</details>"]
    return "\n".join([*lines, "</div>"])


def _blocks(table: Table) -> list[str]:
    lines = []
    for block in table.blocks:
        lines.append('<div class="scroll"><table>')
        lines += [f"<caption>{escaping.escape(block.title)}</caption>"] if block.title else []
        heads = "".join(
            f'<th scope="col"{_word(place <= block.left)}>{_html(name)}</th>'
            for place, name in enumerate((table.label, *block.columns))
        )
        lines.append(f"<thead><tr>{heads}</tr></thead>\n<tbody>")
        for position, (label, cells) in enumerate(block.rows):
            kind = ' class="rule"' if position in block.rules else ""
            body = "".join(_html_cell(c, place < block.left) for place, c in enumerate(cells))
            lines.append(f'<tr{kind}><th scope="row"{_word(True)}>{_html(label)}</th>{body}</tr>')
        lines.append("</tbody></table></div>")
    return lines


def _paragraphs(texts: tuple[str, ...]) -> list[str]:
    return [f"<p>{_html(text)}</p>" for text in texts]


def _notes(table: Table) -> list[str]:
    notes = "".join(f"<li>{_html(note)}</li>" for note in table.notes)
    return [f"<p>Missing or incomplete:</p><ul>{notes}</ul>"] if notes else []


def _word(left: bool) -> str:
    return ' class="word"' if left else ""


def _html_cell(cell: Cell, left: bool) -> str:
    text = f"<b>{_html(cell.text)}</b>" if cell.bold else _html(cell.text)
    details = "".join(f"<small>{_html(detail)}</small>" for detail in cell.details)
    kind = ' class="missing"' if cell.missing else _word(left)
    return f"<td{kind}>{text}{details}</td>"


def _html(text: str) -> str:
    return escaping.escape(minus(text))


def minus(text: str) -> str:
    """Replaces hyphens before numbers by minus signs. Hyphens in names stay."""
    return re.sub(r"(?<![\w.])-(?=[\d∞])", "−", text)


def dump(table: Table) -> str:
    """The record as JSON. `load` returns the same record."""
    return json.dumps(asdict(table), ensure_ascii=False, indent=1) + "\n"


def load(text: str) -> Table:
    """The record that `dump` wrote. Raises ValueError, KeyError or TypeError for other text."""
    values = json.loads(text)
    blocks = tuple(
        Block(
            block["title"],
            tuple(block["columns"]),
            tuple((label, tuple(map(_cell, cells))) for label, cells in block["rows"]),
            tuple(block["rules"]),
            block["left"],
        )
        for block in values["blocks"]
    )
    texts = (tuple(values[key]) for key in ("caption", "notes", "protocol"))
    return Table(values["title"], values["label"], blocks, *texts)


def _cell(values: dict) -> Cell:
    return Cell(values["text"], tuple(values["details"]), values["bold"])
