"""The training engine: all seeds of a job in lockstep, on a pool that lives on the device."""
