"""What every package stands on: errors, files, units, geometry, intervals, text, provenance, the look of figures.

In: nothing of the project. Out: small functions without knowledge of any stage.
"""
