"""From scores to claims: schema, headlines, aggregates, intervals, tests (numpy, scipy, pandas)."""
