"""The one exception that users are meant to read, and its suggestions."""

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Bad input or a refused request: the message says what, where, and what to do."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """'; did you mean X?' (when something is near) followed by the list of valid names."""
    valid = sorted(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    suggestion = f"; did you mean '{close[0]}'?" if close else ""
    return f"{suggestion} (valid: {', '.join(valid)})"
