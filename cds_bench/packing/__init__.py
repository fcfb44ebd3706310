"""Moves finished runs between machines: one archive per run, checked by hash on arrival."""
