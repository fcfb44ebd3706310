"""Ending a workflow in time: a batch system sends SIGTERM and waits some ten seconds.

Snakemake takes SIGTERM as a wish to end after the jobs that are running, however long they take.
"""

import signal
import threading
import time

import psutil

_stopped = threading.Event()


def pass_on() -> None:
    """Passes the next SIGTERM on to the jobs of this process and to its former handler.

    The former handler runs in a thread: Snakemake's takes a lock that the main thread may hold.
    """
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame) -> None:
        if _stopped.is_set():
            return
        _stopped.set()
        threading.Thread(target=_end_jobs, daemon=True).start()
        if callable(before):
            threading.Thread(target=before, args=(number, frame), daemon=True).start()

    signal.signal(signal.SIGTERM, stop)


def stopped() -> bool:
    """Whether a SIGTERM has arrived."""
    return _stopped.is_set()


def _end_jobs() -> None:
    """Sends SIGTERM once to every process that was started from here, also to those just starting.

    A shell among them waits for its command if the Snakefile's prefix traps the signal.
    """
    told = set()
    while True:
        for process in set(psutil.Process().children(recursive=True)) - told:
            told.add(process)
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.1)
