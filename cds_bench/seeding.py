"""Named random streams: every random number comes from a stream that its purpose names."""

import hashlib

import numpy as np


def seed_of(*name: str | int) -> int:
    """A 63-bit seed from a name: the first bytes of the SHA-256 of its parts, joined by '/'.

    Names differ, streams differ; nothing else enters, so a stream does not depend on which other
    streams exist or in which order they are made.
    """
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(*name: str | int) -> np.random.Generator:
    """A NumPy generator for the stream of that name, for example stream("collect", suite, task)."""
    return np.random.default_rng(seed_of(*name))


def episode_starts(task: str, episodes: int) -> list[int]:
    """The seeds that a task's evaluation episodes are reset with, whatever is evaluated."""
    return [seed_of("evaluate", task, episode) % 2**31 for episode in range(episodes)]
