"""Files: their paths, how they are written, and what their content depends on."""
