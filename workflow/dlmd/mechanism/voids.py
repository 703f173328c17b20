"""Voids of a crystal's anion lattice that a small cation could take, and the polyhedra of anions about any position.

A void is a vertex of the anions' Voronoi diagram: a point as far as possible from the anions around it. A distorted
polyhedron of more than four anions gives several vertices close together, which count as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Vertices nearer than this are one void (Å): a distorted octahedron splits by some tenths, and the two tetrahedra that
# share a face in a hexagonal close packing are 1.4 Å apart.
MERGE_A = 0.9
# A void nearer than this to a site of the CIF is that site.
SITE_RADIUS_A = 1.2
# Anions looked at about a position, of which the nearest shell is the polyhedron.
_NEIGHBOURS = 16
# A shell ends where the next distance is this much longer.
_SHELL_GAP = 1.15
_STRAIGHT_DEG = 150.0
_IMAGES = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclass(frozen=True)
class Polyhedron:
    """The nearest shell of anions about a position.

    Attributes
    ----------
    anions
        (n,) basis indices of the anions.
    shifts
        (n, 3) unit cells in which they lie.
    shape
        'tet', 'oct', 'prism' (six, but no three straight lines), 'cube', or 'N-fold'.
    """

    anions: np.ndarray
    shifts: np.ndarray
    shape: str

    @property
    def coordination(self) -> int:
        return len(self.anions)


def polyhedra(points: np.ndarray, anions: np.ndarray, lattice: np.ndarray) -> list[Polyhedron]:
    """The polyhedra of anions about fractional positions.

    Parameters
    ----------
    points, anions
        (p, 3) and (a, 3) fractional coordinates in [0, 1).
    lattice
        (3, 3) lattice vectors as rows, in Å.

    Among the 16 nearest anions the shell ends at the first distance that is 15 % longer than the one before (from four
    on); where there is no such gap, it has those within 15 % of the shortest distance.
    """
    from scipy.spatial import cKDTree

    images = (anions[None] + _IMAGES[:, None]).reshape(-1, 3)
    tree = cKDTree(images @ lattice)
    distance, index = tree.query(points @ lattice, k=_NEIGHBOURS)
    found = []
    for at, d, row in zip(points, distance, index, strict=True):
        gaps = np.flatnonzero(d[4:] > _SHELL_GAP * d[3:-1])
        n = int(gaps[0]) + 4 if len(gaps) else int((d < _SHELL_GAP * d[0]).sum())
        shell = row[:n]
        arms = (images[shell] - at) @ lattice
        found.append(
            Polyhedron(
                anions=shell % len(anions), shifts=_IMAGES[shell // len(anions)], shape=_shape(arms, n)
            )
        )
    return found


def _shape(arms: np.ndarray, n: int) -> str:
    if n == 6:
        unit = arms / np.linalg.norm(arms, axis=1)[:, None]
        angles = np.degrees(np.arccos(np.clip(unit @ unit.T, -1, 1)))
        return "oct" if (angles[np.triu_indices(6, 1)] > _STRAIGHT_DEG).sum() == 3 else "prism"
    return {4: "tet", 8: "cube"}.get(n, f"{n}-fold")


def voids(
    anions: np.ndarray,
    lattice: np.ndarray,
    *,
    taken: np.ndarray,
    rotations: np.ndarray,
    translations: np.ndarray,
) -> list[np.ndarray]:
    """Orbits of voids that are no sites of the crystal: one array (m, 3) of fractional coordinates for each.

    Parameters
    ----------
    anions
        (a, 3) fractional coordinates.
    taken
        (s, 3) fractional coordinates of the crystal's cation sites; voids within 1.2 Å of one are left out.
    rotations, translations
        Symmetry operations on fractional coordinates.
    """
    from scipy.spatial import Voronoi

    images = (anions[None] + _IMAGES[:, None]).reshape(-1, 3)
    vertices = Voronoi(images @ lattice).vertices @ np.linalg.inv(lattice)
    # a margin, so that the vertices of a void on the boundary are all there before they are merged
    inside = vertices[((vertices > -0.5) & (vertices < 1.5)).all(axis=1)]
    free = inside[nearest_distance(inside, taken, lattice) > SITE_RADIUS_A]
    centres = _merged(free, lattice)
    orbits: list[np.ndarray] = []
    for centre in centres:
        if any(nearest_distance(centre[None], orbit, lattice)[0] < MERGE_A for orbit in orbits):
            continue
        orbits.append(orbit_of(centre, rotations, translations, lattice))
    return orbits


def nearest_distance(points: np.ndarray, others: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """(p,) distances in Å from fractional positions to the nearest image of any of `others`."""
    from scipy.spatial import cKDTree

    if not len(others):
        return np.full(len(points), np.inf)
    images = (others[None] % 1.0 + _IMAGES[:, None]).reshape(-1, 3)
    return cKDTree(images @ lattice).query((points % 1.0) @ lattice)[0]


def _merged(points: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """(m, 3) centres of the clusters of points, those with the centre in the unit cell."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(points) < 2:
        return points
    cluster = fcluster(linkage(points @ lattice, "average"), MERGE_A, "distance")
    centres = np.array([points[cluster == k].mean(axis=0) for k in range(1, cluster.max() + 1)])
    return centres[((centres > -1e-6) & (centres < 1 - 1e-6)).all(axis=1)]


def orbit_of(
    point: np.ndarray, rotations: np.ndarray, translations: np.ndarray, lattice: np.ndarray
) -> np.ndarray:
    """(m, 3) symmetry-equivalent positions in [0, 1), moved onto a special position that is within `MERGE_A`."""
    images = rotations @ point + translations
    shift = images - point
    shift -= np.round(shift)
    own = np.linalg.norm(shift @ lattice, axis=1) < 0.5 * MERGE_A
    point = point + shift[own].mean(axis=0)
    images = (rotations @ point + translations + 1e-9) % 1.0 - 1e-9
    distinct: list[np.ndarray] = []
    for image in images:
        if not distinct or nearest_distance(image[None], np.array(distinct), lattice)[0] > 0.5 * MERGE_A:
            distinct.append(image)
    return np.array(distinct)
