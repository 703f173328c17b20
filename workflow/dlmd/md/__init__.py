"""Molecular dynamics with LAMMPS: the cell file, inputs, equilibration, and a chain of segments that go on after a kill.

In: an ordered cell and a potential. Out: segments of a trajectory, each with a sidecar that says all of it.
"""
