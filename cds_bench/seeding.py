"""Named random streams: every random number comes from a stream named after its purpose."""

import hashlib

import numpy as np


def seed_of(*name: str | int) -> int:
    """A 63-bit seed from a name: the first bytes of the SHA-256 of its parts, joined by '/'.

    Different names give different streams. A stream depends on its name only, not on which other
    streams exist or in which order they are made.
    """
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(*name: str | int) -> np.random.Generator:
    """The NumPy generator of the named stream, for example stream("collect", suite, task)."""
    return np.random.default_rng(seed_of(*name))


def episode_starts(task: str, seed: int, episodes: int) -> list[int]:
    """The seeds with which the evaluation episodes of a task and training seed are reset.

    They differ between training seeds, so that an interval over seeds includes the variance of the
    starts. They are the same for every method and snapshot, so that comparisons are paired.
    """
    return [seed_of("evaluate", task, seed, episode) % 2**31 for episode in range(episodes)]
