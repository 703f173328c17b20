"""Migration barriers: hops of relaxed cells, and a nudged elastic band for each.

In: relaxed cells and a potential (or the label engine). Out: barriers per kind of hop.
"""
