"""Files: where they lie, how they are written, and what their content depends on."""
