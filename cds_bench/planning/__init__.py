"""Estimates what a profile will cost before it is run, from speeds measured on synthetic data.

Each distinct training configuration is timed with the real training step in its own process. The
peak memory of that process is the job's. Environments are timed with the policies that collect
their data and with random policies. Hours are these times multiplied by the profile's numbers.
"""
