"""All positions of a crystal's sites in a supercell, and which of them are neighbours, without searching it.

The neighbours of a position are those of its image in the unit cell, shifted: one search in the unit cell
serves a supercell of any size, and everything built on it scales linearly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dlmd.structures.crystal import Crystal, Site


@dataclass(frozen=True)
class Pairs:
    """Pairs of basis positions within a cutoff, each direction once.

    Attributes
    ----------
    first, second
        (n,) basis indices.
    shift
        (n, 3) unit cells from the first's to the second's.
    distance
        (n,) in Å.
    """

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    distance: np.ndarray

    def select(self, mask: np.ndarray) -> Pairs:
        return Pairs(self.first[mask], self.second[mask], self.shift[mask], self.distance[mask])


@dataclass(frozen=True)
class Supercell:
    """`repeat` conventional cells; basis position b in cell (x, y, z) has index b R + (x ny + y) nz + z."""

    crystal: Crystal
    repeat: tuple[int, int, int]

    @property
    def n_cells(self) -> int:
        return prod(self.repeat)

    @cached_property
    def basis(self) -> np.ndarray:
        """(b, 3) fractional coordinates in the unit cell, site after site."""
        return np.concatenate([site.positions for site in self.crystal.sites])

    @cached_property
    def site_of_basis(self) -> np.ndarray:
        sites = self.crystal.sites
        return np.repeat(np.arange(len(sites)), [site.multiplicity for site in sites])

    @property
    def n_positions(self) -> int:
        return len(self.basis) * self.n_cells

    @property
    def site_of_position(self) -> np.ndarray:
        return np.repeat(self.site_of_basis, self.n_cells)

    @property
    def lattice(self) -> np.ndarray:
        """(3, 3) lattice vectors of the supercell as rows, in Å."""
        return np.array(self.repeat)[:, None] * self.crystal.lattice

    @cached_property
    def cells(self) -> np.ndarray:
        """(R, 3) integer coordinates of the unit cells."""
        return np.stack(np.meshgrid(*map(np.arange, self.repeat), indexing="ij"), axis=-1).reshape(-1, 3)

    def fractional(self) -> np.ndarray:
        """(positions, 3) fractional coordinates in the supercell."""
        in_cells = self.basis[:, None, :] + self.cells[None]
        return in_cells.reshape(-1, 3) / np.array(self.repeat)

    def positions_of(self, site: Site) -> np.ndarray:
        """Indices of all positions of a site: a contiguous range."""
        index = self.crystal.sites.index(site)
        basis = np.flatnonzero(self.site_of_basis == index)
        return np.arange(basis[0] * self.n_cells, (basis[-1] + 1) * self.n_cells)

    def pairs(self, cutoff_angstrom: float) -> Pairs:
        """All pairs of basis positions within `cutoff_angstrom` (Å), by one search in the unit cell."""
        from scipy.spatial import cKDTree

        lattice = self.crystal.lattice
        heights = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
        # positions lie within one cell, so images beyond this are too far from all of them
        reach = np.floor(cutoff_angstrom / heights).astype(int) + 1
        shifts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
        shifts = shifts.reshape(-1, 3)
        place = self.basis @ lattice
        images = (place[None] + (shifts @ lattice)[:, None]).reshape(-1, 3)
        near = cKDTree(place).query_ball_tree(cKDTree(images), cutoff_angstrom)
        first = np.repeat(np.arange(len(place)), [len(row) for row in near])
        image = np.concatenate([np.zeros(0, int), *(np.array(row, int) for row in near)])
        second, shift = image % len(place), shifts[image // len(place)]
        distance = np.linalg.norm(place[second] - place[first] + shift @ lattice, axis=1)
        kept = (distance < cutoff_angstrom) & ((first != second) | shift.any(axis=1))
        first, second, shift, distance = first[kept], second[kept], shift[kept], distance[kept]
        order = np.lexsort((shift[:, 2], shift[:, 1], shift[:, 0], second, first))
        return Pairs(first[order], second[order], shift[order], distance[order])

    def partners(self, second: int, shift: Sequence[int]) -> np.ndarray:
        """(R,) indices of the positions at basis `second`, `shift` cells from cell 0, 1, ... R - 1."""
        cell = (self.cells + np.asarray(shift)) % np.array(self.repeat)
        _, ny, nz = self.repeat
        return second * self.n_cells + (cell[:, 0] * ny + cell[:, 1]) * nz + cell[:, 2]

    def neighbour_table(self, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Neighbours of every position in compressed rows.

        Returns
        -------
        start
            (positions + 1,): the neighbours of position p are entries start[p] to start[p + 1].
        neighbour
            Position indices; one may recur, and be its own neighbour, in a cell smaller than the cutoff.
        pair
            Row of `pairs` that each entry comes from.
        """
        cells = self.n_cells
        per_basis = np.bincount(pairs.first, minlength=len(self.basis))
        start = np.concatenate([[0], np.cumsum(np.repeat(per_basis, cells))])
        table = np.empty((len(pairs.first), cells), dtype=np.int32)
        for row, (second, shift) in enumerate(zip(pairs.second, pairs.shift, strict=True)):
            table[row] = self.partners(second, shift)
        neighbour = np.empty(table.size, dtype=np.int32)
        pair = np.empty(table.size, dtype=np.int32)
        row = 0
        for b, count in enumerate(per_basis):
            here = slice(start[b * cells], start[(b + 1) * cells])
            neighbour[here] = table[row : row + count].T.ravel()
            pair[here] = np.tile(np.arange(row, row + count), cells)
            row += count
        return start, neighbour, pair
