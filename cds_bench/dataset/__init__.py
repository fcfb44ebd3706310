"""Datasets and pools: collected, stored in D4RL's schema, checked, relabelled and pooled."""
