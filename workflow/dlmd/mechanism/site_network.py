"""The sites of a production cell where its host left them: the unit cell's sites, moved with the anions about them.

Positions are relative to the host's centre of mass, as the ions' are. Sites that a cation of the host holds are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.periodic_tree import PeriodicTree, pairs
from dlmd.mechanism.site_lattice import SiteLattice

VERSION = 1

# A host atom whose mean position is farther than this from its ideal one has left it. If more than this share has left,
# there is no lattice of sites.
HOST_REACH_A = 1.5
MOST_LEFT = 0.03
# A void nearer than this to a cation of the host is no place for an ion.
BLOCKED_A = 1.5
# Host cations count as neighbours of a site within this multiple of the shortest such distance in the unit cell.
NEIGHBOUR_SHELL = 1.2
# Neighbouring sites are nearer than this in any lattice of close-packed anions.
NEIGHBOUR_A = 4.5


class HostLeft(DlmdError):
    """The host is not on the sites of the crystal, so there are no sites for the ions either."""


@dataclass(frozen=True)
class SiteNetwork:
    """Sites of a production cell that are open to the mobile ions.

    Attributes
    ----------
    lattice
        The unit cell's sites; `type_of_site` refers to its types.
    positions
        (s, 3), Å, relative to the host's centre of mass, in any image of the cell.
    ideal
        (s, 3), Å: the same sites in the undistorted crystal.
    layer
        (s,) index of the layer in the whole cell, from 0 up along the stacking; -1 for a site of none.
    host_neighbours
        (s,) host cations on the nearest positions that could hold one.
    cell, repeat
        (3, 3) in Å, vectors in rows; unit cells along a, b, c.
    origin
        (3,) where the unit cell's origin lies, in Å.
    """

    lattice: SiteLattice
    positions: np.ndarray
    ideal: np.ndarray
    type_of_site: np.ndarray
    layer: np.ndarray
    host_neighbours: np.ndarray
    cell: np.ndarray
    repeat: tuple[int, int, int]
    origin: np.ndarray

    @cached_property
    def spacing_angstrom(self) -> np.ndarray:
        """(s,) distance from each site to the nearest other one."""
        i, _, vector = pairs(self.positions, self.cell, NEIGHBOUR_A)
        nearest = np.full(len(self.positions), NEIGHBOUR_A)
        np.minimum.at(nearest, i, np.linalg.norm(vector, axis=1))
        return nearest

    @cached_property
    def resting(self) -> np.ndarray:
        """(s,) whether ions rest there (see `SiteType.resting`)."""
        return np.array([t.resting for t in self.lattice.types])[self.type_of_site]

    @property
    def labels(self) -> list[str]:
        return [t.label for t in self.lattice.types]

    def moved(self, positions: np.ndarray) -> SiteNetwork:
        """The same sites at other positions."""
        return replace(self, positions=positions)

    def unit_fractional(self, positions: np.ndarray) -> np.ndarray:
        """Fractional coordinates in the unit cell, not wrapped, of positions relative to the host's centre of mass."""
        return (positions - self.origin) @ np.linalg.inv(self.cell) * np.array(self.repeat)


def build(
    lattice: SiteLattice,
    *,
    repeat: Sequence[int],
    cell: np.ndarray,
    host: np.ndarray,
    species: Sequence[str],
    charges: Mapping[str, float],
    host_centre: np.ndarray,
) -> SiteNetwork:
    """Sites of a production cell.

    Parameters
    ----------
    repeat, cell
        Unit cells along a, b, c; (3, 3) lattice vectors of the whole cell in rows, Å.
    host, species
        (h, 3) mean positions of the host's atoms relative to their centre of mass, Å, and what they are.
    host_centre
        (3,) the host's centre of mass in the frame of the cell, Å: it places the ideal lattice before the fit.

    The ideal lattice is laid over the host's anions, and each site is moved by the mean displacement of the anions about it.

    Raises
    ------
    HostLeft
        where more than 3 % of the anions or of the host's cations are not on ideal positions of their own: the host has
        melted or changed. Fewer are defects, which move no site.
    """
    repeat, cell = tuple(int(n) for n in repeat), np.asarray(cell, dtype=float)
    is_anion = np.array([charges[s] < 0 for s in species])
    anions, cations = host[is_anion], host[~is_anion]
    ideal = _tiled(lattice.anions, repeat, cell)
    index, vector, offset, placed = _fit(anions, ideal - host_centre, cell)
    _check(placed, "anions")
    origin = offset - host_centre
    shift = np.zeros((len(ideal), 3))
    known = np.zeros(len(ideal), dtype=bool)
    shift[index[placed]], known[index[placed]] = vector[placed], True

    positions = _tiled(lattice.fractional, repeat, cell) + origin
    follow = np.zeros_like(positions)
    n_cells = int(np.prod(repeat))
    for s, polyhedron in enumerate(lattice.polyhedra):
        around = _partners(polyhedron.anions, polyhedron.shifts, repeat)
        weight = known[around][:, :, None]
        follow[s * n_cells : (s + 1) * n_cells] = (shift[around] * weight).sum(axis=0) / np.maximum(
            weight.sum(axis=0), 1
        )
    type_of_site = np.repeat(lattice.type_of_site, n_cells)
    blocked = np.zeros(len(positions), dtype=bool)
    if len(cations):
        blocked = PeriodicTree(cations, cell).query(positions)[2] < BLOCKED_A
        possible = _tiled(lattice.host_cations, repeat, cell) + origin
        _check(PeriodicTree(possible, cell).query(cations)[2] < HOST_REACH_A, "cations of the host")
    sites = np.flatnonzero(~blocked)
    ideal, positions = positions, positions + follow
    return SiteNetwork(
        lattice=lattice,
        positions=positions[sites],
        ideal=ideal[sites],
        type_of_site=type_of_site[sites],
        layer=_layers(lattice, repeat)[sites],
        host_neighbours=_host_neighbours(lattice, repeat, cell, positions, cations)[sites],
        cell=cell,
        repeat=(repeat[0], repeat[1], repeat[2]),
        origin=origin,
    )


def _cells(repeat: Sequence[int]) -> np.ndarray:
    return np.stack(np.meshgrid(*map(np.arange, repeat), indexing="ij"), axis=-1).reshape(-1, 3)


def _tiled(fractional: np.ndarray, repeat: Sequence[int], cell: np.ndarray) -> np.ndarray:
    """(points x cells, 3) Å: all images in the whole cell, point after point."""
    everywhere = fractional[:, None] + _cells(repeat)[None]
    return everywhere.reshape(-1, 3) / np.array(repeat) @ cell


def _partners(basis: np.ndarray, shifts: np.ndarray, repeat: Sequence[int]) -> np.ndarray:
    """(n, cells) indices in `_tiled` order of basis points `shifts` cells away from every cell."""
    there = (_cells(repeat)[None] + shifts[:, None]) % np.array(repeat)
    flat = (there[..., 0] * repeat[1] + there[..., 1]) * repeat[2] + there[..., 2]
    return basis[:, None] * int(np.prod(repeat)) + flat


def _fit(
    atoms: np.ndarray, ideal: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The ideal lattice laid over atoms.

    Returns the ideal position of every atom, its displacement from it (n, 3), the offset (3,) of the lattice that fits best,
    and whether the atom is on an ideal position of its own.
    """
    tree, offset = PeriodicTree(ideal, cell), np.zeros(3)
    for _ in range(4):
        index, image, distance = tree.query(atoms - offset)
        vector = atoms - offset - (ideal[index] + image @ cell)
        near = distance < HOST_REACH_A
        offset = offset + (vector[near].mean(axis=0) if near.any() else 0.0)
    first = np.zeros(len(atoms), dtype=bool)
    first[np.unique(index, return_index=True)[1]] = True
    return index, vector, offset, near & first


def _check(placed: np.ndarray, what: str) -> None:
    left = int((~placed).sum())
    if left > MOST_LEFT * len(placed):
        raise HostLeft(
            f"{left} of {len(placed)} {what} are on average not at their sites, so the mobile ions' sites cannot be told",
            remedy="the host has melted or changed its structure: look at its MSD",
        )


def _layers(lattice: SiteLattice, repeat: Sequence[int]) -> np.ndarray:
    layer = np.repeat(lattice.layer_of_site, int(np.prod(repeat)))
    if lattice.stacking is None:
        return layer
    stacking = lattice.stacking
    # a position may lie in the neighbouring cell's copy of its layer (0.99 belongs to the layer at 0)
    away = lattice.fractional[:, stacking.axis] - stacking.heights[lattice.layer_of_site]
    cell_of_site = (_cells(repeat)[None, :, stacking.axis] + np.round(away)[:, None]).ravel().astype(int)
    n = len(stacking.heights)
    return np.where(layer < 0, -1, (layer + n * cell_of_site) % (n * repeat[stacking.axis]))


def _host_neighbours(
    lattice: SiteLattice, repeat: Sequence[int], cell: np.ndarray, positions: np.ndarray, cations: np.ndarray
) -> np.ndarray:
    """(s,) host cations within 1.2 of the shortest distance from a site of this kind to a possible host position."""
    if not len(cations):
        return np.zeros(len(positions), dtype=int)
    unit = cell / np.array(repeat)[:, None]
    tree = PeriodicTree(lattice.host_cations @ unit, unit, rim_a=NEIGHBOUR_A + 1)
    sites = lattice.fractional @ unit
    rows, index, image = tree.within(sites, NEIGHBOUR_A)
    distance = np.linalg.norm(lattice.host_cations[index] @ unit + image @ unit - sites[rows], axis=1)
    apart = distance > 0.5
    shortest = np.full(len(sites), NEIGHBOUR_A)
    np.minimum.at(shortest, lattice.type_of_site[rows[apart]], distance[apart])
    reach = NEIGHBOUR_SHELL * np.repeat(shortest[lattice.type_of_site], int(np.prod(repeat)))
    found, index, image = PeriodicTree(cations, cell).within(positions, float(reach.max()))
    distance = np.linalg.norm(cations[index] + image @ cell - positions[found], axis=1)
    near = (distance < reach[found]) & (distance > 0.5)
    return np.bincount(found[near], minlength=len(positions))
