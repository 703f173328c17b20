"""Geometry of periodic cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

# Distance of neighbours over the sum of their covalent radii: 0.8 to 1.2 in solids, 1.9 times that where Bohr pass for Å.
NEAREST_OVER_RADII = (0.5, 1.5)
# Atoms, nearest without care for skewed cells, among which the nearest is looked for with it.
_CANDIDATES = 32


def cell_widths(cell: np.ndarray) -> np.ndarray:
    """(3,) distances between opposite faces of a (3, 3) cell with the vectors in rows, in Å."""
    return 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def nearest_over_radii(
    positions: np.ndarray, cell: np.ndarray, symbols: Sequence[str], atoms: Iterable[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) least distance of each of n atoms (all by default) to another over the sum of their radii, and (n,) that in Å.

    Positions are (atoms, 3) of two atoms at least, the cell is (3, 3).
    """
    from ase.data import atomic_numbers, covalent_radii
    from ase.geometry import find_mic, minkowski_reduce

    radii = covalent_radii[[atomic_numbers[symbol] for symbol in symbols]]
    reduced = minkowski_reduce(cell)[0]
    fractional = positions @ np.linalg.inv(reduced)
    found = []
    for atom in range(len(positions)) if atoms is None else atoms:
        apart = np.delete(fractional - fractional[atom], atom, axis=0)
        apart = (apart - np.round(apart)) @ reduced
        bond = np.delete(radii, atom) + radii[atom]
        if len(apart) > _CANDIDATES:
            near = np.argpartition((apart**2).sum(axis=1) / bond**2, _CANDIDATES)[:_CANDIDATES]
            apart, bond = apart[near], bond[near]
        length = find_mic(apart, reduced)[1]
        nearest = int((length / bond).argmin())
        found.append((length[nearest] / bond[nearest], length[nearest]))
    shares, lengths = np.array(found).T
    return shares, lengths
