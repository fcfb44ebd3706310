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


def episode_starts(task: str, seed: int, episodes: int) -> list[int]:
    """The seeds that the evaluation episodes of a task and training seed are reset with.

    They differ between training seeds, so that an interval over seeds holds the variance of the
    starts. They are the same for every method and snapshot, so that comparisons are paired.
    """
    return [seed_of("evaluate", task, seed, episode) % 2**31 for episode in range(episodes)]
