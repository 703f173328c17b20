"""Where a crystal has room for mobile ions that its sites have no room for: tetrahedra and octahedra of anions without a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from dlmd.base.carriers import elements
from dlmd.proposal import hops
from dlmd.structures.crystal import Crystal

APART_A = 1.5  # from the sites that there are: nearer is the same place
SAME_A = 0.3  # corners of one void, and images by symmetry
SHOWN = 2
CORNER = 1.25  # of the distance to the nearest anion: those within are corners of the polyhedron


@dataclass(frozen=True)
class Place:
    """A void.

    Attributes
    ----------
    fractional
        (3,) of one of its images.
    corners
        Number of anions around it, and the distance to the nearest one (Å).
    from_mobile_a
        Distance (Å) to the nearest site of the mobile ions.
    """

    fractional: np.ndarray
    corners: int
    from_anions_a: float
    from_mobile_a: float


def places(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> Iterator[Place]:
    """The voids that differ by symmetry, the roomiest first."""
    from scipy.spatial import cKDTree

    voids = hops.voids(crystal, charges, mobile)
    if not len(voids):
        return
    sign = np.sign(charges[elements(mobile)[0]])
    anions = cKDTree(hops.places(crystal, lambda s: charges.get(s, 0.0) * sign < 0))
    own = hops.places(crystal, lambda s: s in elements(mobile), above=0.0)
    fractional = voids @ np.linalg.inv(crystal.lattice)
    inside = np.all((fractional > -1e-6) & (fractional < 1 - 1e-6), axis=1)
    room, away = anions.query(voids)[0], cKDTree(own).query(voids)[0]
    seen = np.zeros((0, 3))
    for k in np.lexsort((*fractional.T, -np.round(room, 2))):
        if not inside[k] or away[k] < APART_A or (len(seen) and _near(seen, fractional[k], crystal)):
            continue
        images = (crystal.rotations @ fractional[k] + crystal.translations) % 1.0
        seen = np.concatenate([seen, images])
        corners = len(anions.query_ball_point(voids[k], CORNER * room[k]))
        yield Place(fractional[k], corners, float(room[k]), float(away[k]))


def named(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> str:
    """The roomiest such places, as '0.14 0.14 0.14 (2.47 Å from anions, 1.9 Å from Li)'; empty where there are none."""
    ions = " or ".join(elements(mobile))
    return " or ".join(
        f"{' '.join(f'{x:.2f}' for x in place.fractional + 0.0)} ({place.from_anions_a:.2f} Å from anions, "
        f"{place.from_mobile_a:.1f} Å from {ions})"
        for place in islice(places(crystal, charges, mobile), SHOWN)
    )


def _near(seen: np.ndarray, place: np.ndarray, crystal: Crystal) -> bool:
    """Whether a place (fractions) is one of those seen."""
    apart = seen - place
    return bool((np.linalg.norm((apart - np.round(apart)) @ crystal.lattice, axis=1) < SAME_A).any())
