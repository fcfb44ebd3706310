"""Sharing strategies: one file each; the file's name is the strategy's name.

A strategy defines a frozen dataclass `Config`, whose field `batch` says how each task's batch is
composed ("own", "balanced": half own and half of the other tasks, or "union": uniform over all
data), and one pure function

    share(config, offer, critic, uniform, state) -> Sharing

of the offered transitions, the critic's view of them, uniform random numbers [S, T, B] and what it
returned as `state` in the step before (None in the first).

A strategy whose module says `REFERENCE = True` is a reference, never a method: it knows what no
method can know, or chooses blindly. Its scores are shown, and it is not compared, ranked or
counted as a method.
"""
