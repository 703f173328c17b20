"""A run as a whole: what it consists of, whether it can start, what is left, and what it costs.

In: a config and a results folder. Out: lists for the rules, plans, states.
With `cli` the only package that may know Snakemake.
"""
