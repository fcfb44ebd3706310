"""Where a profile's runs are: their state, read from files, and how it is shown."""
