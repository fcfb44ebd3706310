"""Sharing strategies: one file each; the file's name is the strategy's name.

`cds_bench.contracts.Strategy` describes what such a file defines.
"""
