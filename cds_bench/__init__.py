"""A reproducible benchmark of data sharing in multi-task offline reinforcement learning."""

__version__ = "0.1.0"
