"""`python -m cds_bench` is `cds-bench`."""

from cds_bench.cli import main

main()
