"""What a finished run tells: the page, the tables, the charts, result.json, comparisons and the RO-Crate.

In: the results folder. Out: files for readers; no number is computed here.
"""
