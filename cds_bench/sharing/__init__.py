"""Sharing strategies, one file each. The file's name is the strategy's name.

`cds_bench.contracts.Strategy` describes what such a file defines.
"""
