"""How fast training is, as ratios to other implementations measured side by side."""
