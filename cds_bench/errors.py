"""The one exception that users are meant to read, and its suggestions."""

import difflib
from collections.abc import Iterable

LONGEST_LINE = 1500  # characters; a longer one loses its middle
MOST_LINES = 40
LONGEST_VALUE = 100  # characters of a value that a message repeats


class BenchError(Exception):
    """Bad input or a refused request: the message says what, where, and what to do.

    However long the input is, the message stays readable: long lines lose their middle, and only
    the first lines of many are kept.
    """

    def __init__(self, message: str):
        lines = [_shortened(line, LONGEST_LINE) for line in str(message).split("\n", MOST_LINES)]
        if len(lines) > MOST_LINES:
            more = str(message).count("\n") + 1 - MOST_LINES
            lines[MOST_LINES:] = [f"and {more} more lines like these"]
        super().__init__("\n".join(lines))


def shown(value: object) -> str:
    """The `repr` of a value for a message, shortened if the value is very long."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]!r}... ({len(value)} characters)"
    return _shortened(repr(value), 3 * LONGEST_VALUE)


def nearest(name: object, valid: Iterable[str]) -> str:
    """'; did you mean X?' (when something is near) followed by the list of valid names."""
    valid = sorted(valid)
    close = difflib.get_close_matches(str(name)[:LONGEST_VALUE], valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean '{close[0]}'?" if close else ""
    return f"{suggestion} (valid: {', '.join(valid)})"


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} [...] {text[-most // 3 :]}"
