"""Stands in for jax, 350 MB of which Minari's DataCollector uses one function, in the tests."""
