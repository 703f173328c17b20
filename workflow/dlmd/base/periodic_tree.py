"""Nearest points of a periodic set in any triclinic cell, for millions of queries: a KD-tree of the cell and a rim of images."""

from __future__ import annotations

import numpy as np

from dlmd.base.geometry import cell_widths

# Width of the rim of images; a set whose holes are wider than this is no lattice of sites.
RIM_A = 6.0


class PeriodicTree:
    """Nearest points of a periodic set.

    Parameters
    ----------
    points
        (n, 3), Å, in any image of the cell.
    cell
        (3, 3), Å, vectors in rows.
    rim_a
        Points farther than this from a query may be missed.
    """

    def __init__(self, points: np.ndarray, cell: np.ndarray, *, rim_a: float = RIM_A):
        from scipy.spatial import cKDTree

        self.cell = np.asarray(cell, dtype=float)
        self._inverse = np.linalg.inv(self.cell)
        fractional = np.asarray(points, dtype=float) @ self._inverse
        own = np.floor(fractional)
        fractional -= own
        margin = rim_a / cell_widths(self.cell)
        reach = np.ceil(margin).astype(int)
        grid = np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij")
        places, owners, images = [], [], []
        for image in np.stack(grid, axis=-1).reshape(-1, 3):
            shifted = fractional + image
            inside = ((shifted > -margin) & (shifted < 1 + margin)).all(axis=1)
            places.append(shifted[inside])
            owners.append(np.flatnonzero(inside))
            # the point as it was given, shifted by this many cells, is the image found
            images.append(image - own[inside])
        self._owner = np.concatenate(owners)
        self._image = np.concatenate(images).astype(np.int32)
        self._tree = cKDTree(np.concatenate(places) @ self.cell)

    def query(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The nearest point to each position.

        Returns
        -------
        index
            (m,) which point.
        image
            (m, 3) cells by which the point as given is shifted to lie nearest to the position as given.
        distance
            (m,) in Å.
        """
        wrapped, floor = self._wrapped(positions)
        distance, found = self._tree.query(wrapped)
        return self._owner[found], self._image[found] + floor, distance

    def within(
        self, positions: np.ndarray, radius_angstrom: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All points within a radius below the rim: row of the position, index and image of the point."""
        wrapped, floor = self._wrapped(positions)
        lists = self._tree.query_ball_point(wrapped, radius_angstrom, return_sorted=True)
        rows = np.repeat(np.arange(len(wrapped)), [len(found) for found in lists])
        found = np.array([k for row in lists for k in row], dtype=int)
        return rows, self._owner[found], self._image[found] + floor[rows]

    def _wrapped(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fractional = np.asarray(positions, dtype=float) @ self._inverse
        floor = np.floor(fractional)
        return (fractional - floor) @ self.cell, floor.astype(np.int32)


def pairs(
    positions: np.ndarray, cell: np.ndarray, radius_angstrom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All ordered pairs of points within a radius below the rim, images included: i, j and the vector (n, 3) from i to j in Å."""
    i, j, image = PeriodicTree(positions, cell).within(positions, radius_angstrom)
    vector = positions[j] + image @ cell - positions[i]
    apart = np.linalg.norm(vector, axis=1) > 1e-6
    return i[apart], j[apart], vector[apart]
