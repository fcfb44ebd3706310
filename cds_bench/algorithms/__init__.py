"""Base offline learners, one file each. All their code is stacked over the seeds of a job.

`cds_bench.contracts.Algorithm` describes what such a file defines.
"""
