"""Labelled frames as DeePMD's training data, split by trajectory.

In: frames of label trajectories. Out: deepmd/npy in train, valid and test, and a row of provenance per frame.
"""
