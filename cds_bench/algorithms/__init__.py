"""Base offline learners: one file each, stacked over the seeds of a job from the first line.

Among the options of each are `discount`, `reward_scale` and `reward_shift`: what its critic's
values are made of, and the returns-to-go of the data that they are compared with.
"""
