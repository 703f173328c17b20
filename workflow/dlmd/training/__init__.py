"""DeePMD-kit potentials: its input, a training that goes on after a kill, the frozen and the compressed model.

In: the dataset. Out: a potential and its learning curve.
"""
