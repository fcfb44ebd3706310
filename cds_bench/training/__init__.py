"""The training engine. It trains all seeds of a job in lockstep, with the pool on the device."""
