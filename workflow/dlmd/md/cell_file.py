"""LAMMPS data files: the restricted triclinic frame, its tilt limits, a fixed order of atom types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Box:
    """LAMMPS' box for a cell.

    Attributes
    ----------
    cell
        (3, 3) lower triangular, rows in Å: (lx, 0, 0), (xy, ly, 0), (xz, yz, lz).
    rotation
        (3, 3): row vectors r become r @ rotation.
    flips
        (3, 3) integers: cell = flips @ original cell @ rotation. The identity, unless an edge was exchanged
        for a less tilted one that spans the same lattice.
    """

    cell: np.ndarray
    rotation: np.ndarray
    flips: np.ndarray


def box(cell: np.ndarray) -> Box:
    """The restricted box of a (3, 3) cell: a along x, b in the xy plane, tilts at most half an edge.

    Raises DlmdError for a left-handed or flat cell.
    """
    cell = np.asarray(cell, float)
    volume = np.linalg.det(cell)
    if volume <= 1e-6:
        raise DlmdError(
            f"cell volume is {volume:.3g} Å³",
            where="LAMMPS data",
            remedy="give a right-handed cell that spans a volume",
        )
    # RQ without a sign choice: Gram-Schmidt on the rows
    x = cell[0] / np.linalg.norm(cell[0])
    z = np.cross(cell[0], cell[1])
    z /= np.linalg.norm(z)
    rotation = np.array([x, np.cross(z, x), z]).T
    restricted = np.tril(cell @ rotation)
    flips = np.eye(3, dtype=int)
    for row, column in ((2, 1), (1, 0), (2, 0)):
        n = _whole_edges(restricted[row, column] / restricted[column, column])
        restricted[row] -= n * restricted[column]
        flips[row] -= n * flips[column]
    return Box(cell=restricted, rotation=rotation, flips=flips)


def _whole_edges(ratio: float) -> int:
    """How many whole edges to take off a tilt; one of just half an edge is left alone."""
    return 0 if abs(ratio) <= 0.5 + 1e-9 else int(np.round(ratio))


def write(atoms: Atoms, path: str | Path, *, species: Sequence[str]) -> Box:
    """Write a data file (atom_style atomic, units metal); atom type k is the k-th of `species`.

    Atoms keep their order and are wrapped into the box. Returns the box.

    Raises DlmdError where an atom is of none of the `species`, or one of them is listed twice.
    """
    from ase.data import atomic_masses, atomic_numbers

    species = list(species)
    missing = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if missing or len(set(species)) != len(species):
        raise DlmdError(
            f"species {species} for a structure of {', '.join(sorted(set(atoms.get_chemical_symbols())))}",
            where=str(path),
            remedy="list every element of the structure once, in the potential's order",
        )
    restricted = box(atoms.cell.array)
    cell = restricted.cell
    fractional = np.linalg.solve(cell.T, (atoms.positions @ restricted.rotation).T).T % 1.0
    positions = np.where(fractional >= 1.0, 0.0, fractional) @ cell
    types = [species.index(s) + 1 for s in atoms.get_chemical_symbols()]
    masses = "\n".join(
        f"{k} {atomic_masses[atomic_numbers[s]]:.6f}  # {s}" for k, s in enumerate(species, start=1)
    )
    lines = "\n".join(
        f"{i} {kind} {x:.10f} {y:.10f} {z:.10f}"
        for i, (kind, (x, y, z)) in enumerate(zip(types, positions.tolist(), strict=True), start=1)
    )
    Path(path).write_text(
        f"{atoms.get_chemical_formula()}, types: {' '.join(species)}\n\n"
        f"{len(atoms)} atoms\n{len(species)} atom types\n\n"
        f"0.0 {cell[0, 0]:.12f} xlo xhi\n0.0 {cell[1, 1]:.12f} ylo yhi\n0.0 {cell[2, 2]:.12f} zlo zhi\n"
        f"{cell[1, 0]:.12f} {cell[2, 0]:.12f} {cell[2, 1]:.12f} xy xz yz\n\n"
        f"Masses\n\n{masses}\n\nAtoms # atomic\n\n{lines}\n",
        encoding="utf-8",
    )
    return restricted
