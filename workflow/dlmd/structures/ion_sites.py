"""The sites that ions of the mobile sign may take in a supercell, and which ion of a relaxed cell sits where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

if TYPE_CHECKING:
    from ase import Atoms

# An ion has left its octahedron half-way to the tetrahedron beside it, about 1.1 Å from the centre.
SITE_RADIUS_A = 1.2


@dataclass(frozen=True)
class Places:
    """(n, 3) positions in fractions of the supercell: those that ions of the mobile sign may take, and those of all others."""

    ions: np.ndarray
    framework: np.ndarray


@dataclass(frozen=True)
class IonSites:
    """The sites that ions of the mobile sign may take in a supercell, full or empty."""

    supercell: Supercell
    position: np.ndarray  # (sites,) index of each among the supercell's positions
    label: np.ndarray  # (sites,) of the crystal's sites
    places: Places

    @classmethod
    def of(
        cls, crystal: Crystal, *, repeat: Sequence[int], charges: Mapping[str, float], mobile: str
    ) -> IonSites:
        supercell = Supercell(crystal, (repeat[0], repeat[1], repeat[2]))
        like = [
            all(charges[s] * charges[mobile] > 0 for s in site.occupancy if s in charges)
            for site in crystal.sites
        ]
        of_position = supercell.site_of_position
        taken = np.array(like)[of_position]
        position = np.flatnonzero(taken)
        labels = np.array([site.label for site in crystal.sites])
        fractional = supercell.fractional()
        places = Places(fractional[position], fractional[~taken])
        return cls(supercell, position, labels[of_position[position]], places)


@dataclass(frozen=True)
class Occupation:
    """Which ion of a relaxed cell sits where.

    Attributes
    ----------
    atom
        (sites,) atom on each site, -1 where there is none.
    site
        (atoms,) site of each atom, -1 for atoms of the other sign of charge and for those between sites.
    centres
        (sites, 3) positions of the sites in the relaxed cell, in Å: moved with the framework.
    """

    atom: np.ndarray
    site: np.ndarray
    centres: np.ndarray


def sites_of_ions(
    atoms: Atoms, places: Places, *, charges: Mapping[str, float], mobile: str
) -> tuple[np.ndarray, np.ndarray]:
    """(atoms,) site within SITE_RADIUS_A of every ion of the mobile sign, -1 for other atoms and for ions between sites;
    and (sites, 3) the centres of the sites in this cell (Å), moved with the framework."""
    like = np.array([charges[s] * charges[mobile] > 0 for s in atoms.get_chemical_symbols()])
    cell = atoms.cell.array
    scaled = np.linalg.solve(cell.T, atoms.positions.T).T
    fractional = places.ions + _drift(scaled[~like], places.framework, cell)
    site = np.full(len(atoms), -1)
    nearest, distance = _nearest(scaled[like], fractional, cell)
    site[like] = np.where(distance <= SITE_RADIUS_A, nearest, -1)
    return site, fractional @ cell


def occupation(atoms: Atoms, sites: IonSites, *, charges: Mapping[str, float], mobile: str) -> Occupation:
    """Assign every ion of the mobile sign to the site it is on.

    Raises
    ------
    DlmdError
        where two ions share a site: the cell is not one of this crystal.
    """
    site, centres = sites_of_ions(atoms, sites.places, charges=charges, mobile=mobile)
    used = site[site >= 0]
    if len(np.unique(used)) != len(used):
        shared = int(np.bincount(used).argmax())
        raise DlmdError(
            f"two ions sit on one site ({sites.label[shared]}): atoms {np.flatnonzero(site == shared).tolist()}",
            where="relaxed cell for the barriers",
            remedy="look at the relaxed structure; use another ordering in barriers.cells",
        )
    atom = np.full(len(centres), -1)
    atom[used] = np.flatnonzero(site >= 0)
    return Occupation(atom, site, centres)


def _drift(anions: np.ndarray, ideal: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Shift (fractional) of the framework as a whole against the ideal crystal."""
    if not len(anions) or not len(ideal):
        return np.zeros(3)
    nearest, _ = _nearest(anions, ideal, cell)
    difference = anions - ideal[nearest]
    return np.median(difference - np.round(difference), axis=0)


def _nearest(points: np.ndarray, centres: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre of each point, and its distance in Å; both given in fractions of the cell."""
    index, distance = np.empty(len(points), int), np.empty(len(points))
    for first in range(0, len(points), 500):  # bounds the memory of large cells
        part = points[first : first + 500, None] - centres[None]
        d = np.linalg.norm((part - np.round(part)) @ cell, axis=2)
        index[first : first + 500], distance[first : first + 500] = d.argmin(axis=1), d.min(axis=1)
    return index, distance
