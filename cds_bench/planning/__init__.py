"""What a profile will cost before it is run: every speed is measured here, on synthetic data.

A training job's step is timed as training takes it, for each distinct configuration in a process of
its own, whose peak memory is the job's; an environment's step, with the policies that collect its
data and with random ones. Hours are these times the numbers that the profile asks for.
"""
