"""Base offline learners: one file each, stacked over the seeds of a job from the first line.

`cds_bench.contracts.Algorithm` describes what such a file defines.
"""
