"""Evaluation: vectorised rollouts of trained policies, on the same starts for every method."""
