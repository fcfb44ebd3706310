"""The state of a profile's runs, read from their files, and how it is shown."""
