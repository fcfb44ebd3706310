"""Plain text for terminals and logs: durations, and tables with aligned columns."""

from collections.abc import Iterable


def clock(seconds: float | None) -> str:
    """Seconds as h:mm:ss with any number of hours, or '-' for None."""
    if seconds is None:
        return "-"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def aligned(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], left: tuple[int, ...]) -> str:
    """A plain-text table. The columns in `left` are aligned to the left, the others to the right.

    A row with a single cell is printed unchanged, as a heading for the rows below.
    """
    rows = [header, *rows]
    columns = zip(*(row for row in rows if len(row) > 1), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [
        row[0]
        if len(row) == 1
        else "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)
