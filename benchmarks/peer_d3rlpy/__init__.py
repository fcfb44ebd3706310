"""d3rlpy's CQL as the public peer, in its own environment."""
