"""Cohorts from public data, read from the files as they are published: one file per source, listed in `catalogue`."""
