"""Progress with an ETA: a live bar on a terminal, and occasional plain lines in a log."""

import atexit
import os
import sys
import time

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Use as `with Progress("train", total) as progress: progress.update(done, "loss 0.3")`.

    `done` is the number that were complete before. They do not count towards the rate.
    """

    def __init__(self, title: str, total: int, done: int = 0):
        self.title, self.total, self.first, self.done, self.note = title, total, done, done, ""
        self.terminal = sys.stderr.isatty()
        self.start = self.printed = time.monotonic()
        self.bar = tqdm(
            total=total, initial=done, desc=title, disable=not self.terminal, smoothing=0.1
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.bar.close()
        if kind is None and not self.terminal:
            say(f"{self.title}: done in {_clock(time.monotonic() - self.start)}")

    def update(self, done: int, note: str = "") -> None:
        """Reports that `done` of the total are complete, with at most one plain line every 10 s.

        A note is shown until the next one replaces it.
        """
        self.note = note or self.note
        if self.terminal:
            self.bar.set_postfix_str(self.note, refresh=False)
            self.bar.update(done - self.done)
        self.done = done
        now = time.monotonic()
        if not self.terminal and done > self.first and now - self.printed >= SECONDS_BETWEEN_LINES:
            self.printed = now
            rate = (done - self.first) / (now - self.start)
            left = _clock((self.total - done) / rate)
            line = f"{self.title}: {done}/{self.total}, {rate:.1f}/s, {left} left"
            say(f"{line}, {self.note}" if self.note else line)


def say(line: str) -> None:
    """Prints a line on standard error, which is a job's log. A full disk there ends nothing."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        atexit.unregister(_flush_or_drop)
        atexit.register(_flush_or_drop)


def _flush_or_drop() -> None:
    """Drops what could not be written; Python would try again at its end and exit with 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
