"""Tiny crystals whose orderings can be counted by hand."""

import itertools

import numpy as np

from dlmd.structures.crystal import Crystal, Site

IDENTITY = np.eye(3)
INVERSION = -np.eye(3)


def crystal(sites, *, lattice, rotations=(IDENTITY,), name="small"):
    """`sites`: label -> (occupancy, positions)."""
    lattice = np.array(lattice, float)
    lattice = np.diag(lattice) if lattice.ndim == 1 else lattice
    lengths = tuple(np.linalg.norm(lattice, axis=1))
    return Crystal(
        name=name,
        source="test",
        spacegroup="P 1",
        cell_parameters=(*lengths, 90.0, 90.0, 90.0),
        lattice=lattice,
        sites=tuple(
            Site(label, f"{len(positions)}{chr(97 + k)}", occupancy, np.array(positions, float))
            for k, (label, (occupancy, positions)) in enumerate(sites.items())
        ),
        rotations=np.array(rotations),
        translations=np.zeros((len(rotations), 3)),
    )


def chain(occupancy=0.5, **options):
    """Half-filled positions 4 Å apart along a, far apart across; neutralised by full anions between them."""
    sites = {"M": ({"Na": occupancy}, [[0, 0, 0]]), "X": ({"F": occupancy}, [[0.5, 0.5, 0.5]])}
    return crystal(sites, lattice=[4.0, 20.0, 20.0], **options)


def split_pairs():
    """One atom on two positions 0.6 Å apart in every cell, with a full anion."""
    sites = {"M": ({"Na": 0.5}, [[0, 0, 0], [0.1, 0, 0]]), "X": ({"Cl": 1.0}, [[0.5, 0.5, 0.5]])}
    return crystal(sites, lattice=[6.0, 6.0, 6.0])


def rocksalt(lattice_constant=5.64):
    cations = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    anions = [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]]
    sites = {"Na": ({"Na": 1.0}, cations), "Cl": ({"Cl": 1.0}, anions)}
    return crystal(sites, lattice=[lattice_constant] * 3)


def signed_permutations():
    """The 48 rotations of a cube."""
    return [
        np.eye(3)[list(order)] * np.array(signs)
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    ]
