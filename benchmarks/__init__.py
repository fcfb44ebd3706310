"""The speed of training, as ratios to other implementations that are measured side by side."""
