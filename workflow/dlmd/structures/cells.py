"""Structures as files and numbers: summary, lattice parameters per unit cell, scaling, strain, writing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_text
from dlmd.structures.occupancy import Apportionment

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1  # of the algorithms that turn a CIF into supercells; a new one makes structures anew
PAIR_SEARCH_A = 6.0


def summary(apportionment: Apportionment, orderings: Sequence[Atoms]) -> dict[str, Any]:
    """Requested against realised occupancies, and what came out for every ordering; JSON-ready."""
    rows = []
    for atoms in orderings:
        row = {
            "ordering": atoms.info["ordering"],
            "method": atoms.info["method"],
            "seed": atoms.info["seed"],
            "composition": composition(atoms),
            "charge_e": float(sum(apportionment.charges[s] * n for s, n in composition(atoms).items())),
            "coulomb_energy_ev": atoms.info["coulomb_energy_ev"],
            "coulomb_energy_ev_per_atom": atoms.info["coulomb_energy_ev"] / len(atoms),
            "pair_correlation_rms": atoms.info["pair_correlation_rms"],
            "pair_correlation_max": atoms.info["pair_correlation_max"],
            "shortest_distances_a": shortest_distances(atoms),
        }
        rows.append(row)
    tested = all(atoms.info["distinct_by_symmetry"] for atoms in orderings)
    return {
        **apportionment.to_dict(),
        "duplicates_up_to_symmetry": "removed"
        if tested
        else "not tested at this size (identical ones removed)",
        "orderings": rows,
    }


def composition(atoms: Atoms) -> dict[str, int]:
    """Number of atoms per species, in order of first appearance."""
    symbols = atoms.get_chemical_symbols()
    return {s: symbols.count(s) for s in dict.fromkeys(symbols)}


def shortest_distances(atoms: Atoms, *, cutoff_angstrom: float = PAIR_SEARCH_A) -> dict[str, float | None]:
    """Shortest distance (Å) of every pair of species, as 'Li-Cl'; None where it is above `cutoff_angstrom`."""
    species = list(composition(atoms))
    kind = np.array([species.index(s) for s in atoms.get_chemical_symbols()])
    table = np.full((len(species),) * 2, np.inf)
    # most structures need the first, short search only
    for cutoff in (0.7 * cutoff_angstrom, cutoff_angstrom):
        i, j, d = pair_distances(atoms, cutoff)
        np.minimum.at(table, (kind[i], kind[j]), d)
        if np.isfinite(table).all():
            break
    return {
        f"{species[a]}-{species[b]}": round(float(table[a, b]), 4) if np.isfinite(table[a, b]) else None
        for a, b in combinations_with_replacement(range(len(species)), 2)
    }


def pair_distances(atoms: Atoms, cutoff_angstrom: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First atom, second atom, distance (Å), each (pairs,), of all pairs within a cutoff, both directions, images included."""
    from ase.neighborlist import primitive_neighbor_list

    return primitive_neighbor_list("ijd", atoms.pbc, atoms.cell.array, atoms.positions, cutoff_angstrom)


def unit_cell_parameters(atoms: Atoms, *, repeat: Sequence[int]) -> dict[str, float]:
    """Lattice parameters of one unit cell of a supercell: a, b, c in Å, angles in degrees, volume in Å³."""
    lengths_angles = atoms.cell.cellpar()
    a, b, c = lengths_angles[:3] / np.array(repeat)
    alpha, beta, gamma = lengths_angles[3:]
    return {
        "a": float(a),
        "b": float(b),
        "c": float(c),
        "alpha": float(alpha),
        "beta": float(beta),
        "gamma": float(gamma),
        "volume": float(atoms.get_volume() / np.prod(repeat)),
    }


def scale_to_cell(atoms: Atoms, *, repeat: Sequence[int], unit_cell: Sequence[float]) -> Atoms:
    """A copy with the lattice parameters (a, b, c in Å, alpha, beta, gamma in degrees) of a relaxed unit cell.

    Fractional coordinates are kept.

    Raises
    ------
    DlmdError
        for lattice parameters that are not six.
    """
    from ase.geometry import cellpar_to_cell

    if len(unit_cell) != 6:
        raise DlmdError(
            f"unit_cell has {len(unit_cell)} numbers", where="unit_cell", remedy="give a, b, c and angles"
        )
    parameters = np.array(unit_cell, float)
    parameters[:3] *= repeat
    scaled = atoms.copy()
    scaled.set_cell(cellpar_to_cell(parameters), scale_atoms=True)
    return scaled


def strain(atoms: Atoms, fraction: float) -> Atoms:
    """A copy with all lengths changed by `fraction` (0.01 is 1 % longer), fractional coordinates kept.

    Raises
    ------
    DlmdError
        for a fraction that leaves no cell, or one in per cent.
    """
    if not -0.5 < fraction < 0.5:
        raise DlmdError(f"strain {fraction:g}", where="strain", remedy="give a fraction such as 0.01 for 1 %")
    strained = atoms.copy()
    strained.set_cell(atoms.cell * (1 + fraction), scale_atoms=True)
    return strained


def write(atoms: Atoms, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem`.cif and `stem`.extxyz (with the arrays 'site' and 'wyckoff'); their paths.

    Two writings of the same atoms are the same to the byte.
    """
    import ase.io

    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    cif, extxyz = stem.parent / f"{stem.name}.cif", stem.parent / f"{stem.name}.extxyz"
    ase.io.write(cif, atoms, format="cif")
    ase.io.write(extxyz, atoms, format="extxyz")
    return cif, extxyz


def write_summary(data: dict[str, Any], path: str | Path) -> None:
    """Write the summary as JSON."""
    write_text(path, json.dumps(data, indent=2) + "\n")
