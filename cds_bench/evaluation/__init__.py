"""Evaluation: vectorised rollouts of trained policies, with the same starts for every method."""
