"""d3rlpy's CQL as the public peer, in an environment of its own."""
