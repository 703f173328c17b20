"""Where a crystal has room for mobile ions that its sites have no room for: tetrahedra and octahedra of anions without a site."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dlmd.base.carriers import elements
from dlmd.proposal import hops
from dlmd.structures.crystal import Crystal

APART_A = 1.5  # from the sites that there are: nearer is the same place
SAME_A = 0.3  # corners of one void, and images by symmetry
SHOWN = 2


def named(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> str:
    """The roomiest such places, as '0.14 0.14 0.14 (2.47 Å from anions, 1.9 Å from Li)'; empty where there are none."""
    from scipy.spatial import cKDTree

    voids = hops.voids(crystal, charges, mobile)
    if not len(voids):
        return ""
    sign = np.sign(charges[elements(mobile)[0]])
    anions = hops.places(crystal, lambda s: charges.get(s, 0.0) * sign < 0)
    own = hops.places(crystal, lambda s: s in elements(mobile), above=0.0)
    fractional = voids @ np.linalg.inv(crystal.lattice)
    inside = np.all((fractional > -1e-6) & (fractional < 1 - 1e-6), axis=1)
    room, away = cKDTree(anions).query(voids)[0], cKDTree(own).query(voids)[0]
    found: list[str] = []
    seen = np.zeros((0, 3))
    for k in np.lexsort((*fractional.T, -np.round(room, 2))):
        if not inside[k] or away[k] < APART_A or (len(seen) and _near(seen, fractional[k], crystal)):
            continue
        images = (crystal.rotations @ fractional[k] + crystal.translations) % 1.0
        seen = np.concatenate([seen, images])
        found.append(
            f"{' '.join(f'{x:.2f}' for x in fractional[k] + 0.0)} ({room[k]:.2f} Å from anions, {away[k]:.1f} Å from "
            f"{' or '.join(elements(mobile))})"
        )
    return " or ".join(found[:SHOWN])


def _near(seen: np.ndarray, place: np.ndarray, crystal: Crystal) -> bool:
    """Whether a place (fractions) is one of those seen."""
    apart = seen - place
    return bool((np.linalg.norm((apart - np.round(apart)) @ crystal.lattice, axis=1) < SAME_A).any())
