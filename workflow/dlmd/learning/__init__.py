"""The learning loop: explore with a committee, choose frames, label them, train on.

In: a first potential. Out: one that has seen what it did not know.
"""
