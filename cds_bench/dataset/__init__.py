"""Datasets are collected, stored in D4RL's schema, checked, relabelled and joined into pools."""
