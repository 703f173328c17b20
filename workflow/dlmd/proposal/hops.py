"""How far an ion hops: to the nearest of its sites, or to the void between where sites lie too far apart for one hop.

Between two octahedra of a close-packed lattice of anions that share an edge an ion goes through the tetrahedron beside both,
0.61 of their distance from each (octahedral-tetrahedral-octahedral paths: Wang et al., Nat. Mater. 14, 1026 (2015)). It need
not be a site of the CIF. A void counts where it is far enough from both sites to be a place of its own. Voids are the centres of
Delaunay tetrahedra of the ions of the other sign: points as far from four of them as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dlmd.base.carriers import elements, spoken
from dlmd.proposal.filling import ions
from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

SHORTEST_A, LONGEST_A = 1.8, 5.0
USUAL_A = 3.0
# nearer sites need no void between, and a step shorter than this is one within a cage: too short a length takes rattling for hops
ONE_HOP_A, SHORTEST_STEP_A = 3.2, 2.1
FULL = 0.5  # of a site of the other sign: fuller ones bound voids
ROOM = 0.8  # of the distance from a site to its nearest neighbour of the other sign: a tetrahedron has 0.87 of an octahedron's
FROM_HOST_A = 2.0  # a void is not beside an ion of the host of the same sign
DETOUR = 1.35  # by the void, over the straight way: 1.22 through a regular tetrahedron


@dataclass(frozen=True)
class Hop:
    """Length (Å), and what it is."""

    length_a: float
    reason: str


def hop(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> Hop:
    """The shortest step of the mobile ions that takes them to another place."""
    supercell = Supercell(crystal, (1, 1, 1))
    holds = np.array([ions(site.occupancy, mobile) > 0 for site in crystal.sites])[supercell.site_of_basis]
    pairs = supercell.pairs(LONGEST_A)
    both = pairs.select(holds[pairs.first] & holds[pairs.second] & (pairs.distance > SHORTEST_A))
    if not len(both.distance):
        return Hop(
            USUAL_A, f"usual; sites of {spoken(mobile)} lie more than {LONGEST_A:g} Å apart in the CIF"
        )
    nearest = float(both.distance.min())
    direct = Hop(
        round(nearest, 1), f"the nearest sites of {spoken(mobile)} in the CIF that can both be filled"
    )
    if nearest <= ONE_HOP_A:
        return direct
    lattice, basis = crystal.lattice, supercell.basis @ crystal.lattice
    holes = voids(crystal, charges, mobile)
    steps = []
    near = both.select(both.distance < nearest + 0.1)
    for i, j, shift in zip(near.first, near.second, near.shift, strict=True):
        a, b = basis[i], basis[j] + shift @ lattice
        to_a, to_b = np.linalg.norm(holes - a, axis=1), np.linalg.norm(holes - b, axis=1)
        between = (np.minimum(to_a, to_b) > SHORTEST_STEP_A) & (to_a + to_b < DETOUR * nearest)
        steps += np.maximum(to_a, to_b)[between].tolist()
    shortest = min(steps, default=np.inf)
    if shortest > nearest - 0.5:
        return direct
    return Hop(
        round(shortest, 1),
        f"to the void between the nearest sites of {spoken(mobile)} in the CIF, which are {nearest:.1f} Å apart",
    )


def voids(crystal: Crystal, charges: Mapping[str, float], mobile: str) -> np.ndarray:
    """(n, 3) in Å: voids in and around the unit cell with room for the ion, away from ions of the host of its sign."""
    from scipy.spatial import Delaunay, QhullError, cKDTree

    sign, moving = np.sign(charges[elements(mobile)[0]]), elements(mobile)
    other = places(crystal, lambda s: charges.get(s, 0.0) * sign < 0)
    host = places(crystal, lambda s: s not in moving and charges.get(s, 0.0) * sign > 0)
    sites = (
        np.concatenate([s.positions for s in crystal.sites if ions(s.occupancy, mobile)]) @ crystal.lattice
    )
    if len(other) < 5:
        return np.zeros((0, 3))
    tree = cKDTree(other)
    room = ROOM * float(tree.query(sites)[0].min())
    try:
        corners = other[Delaunay(other).simplices]
    except QhullError:
        return np.zeros((0, 3))
    edges = corners[:, 1:] - corners[:, :1]
    volume = np.abs(np.linalg.det(edges))
    good = volume > 1e-3 * np.median(volume)  # flat ones are no voids
    edges, first = edges[good], corners[good, 0]
    centres = first + np.linalg.solve(edges, 0.5 * (edges**2).sum(axis=2)[..., None])[..., 0]
    middle = other.mean(axis=0)  # flat tetrahedra at the surface have centres far outside
    reach = np.linalg.norm(other - middle, axis=1).max()
    centres = centres[np.linalg.norm(centres - middle, axis=1) < reach]
    centres = centres[tree.query(centres)[0] >= room - 1e-6]
    if len(host) and len(centres):
        centres = centres[cKDTree(host).query(centres)[0] >= FROM_HOST_A]
    return centres


def places(crystal: Crystal, wanted: Callable[[str], bool], *, above: float = FULL) -> np.ndarray:
    """(n, 3) in Å: positions of sites that hold more of what is wanted than `above`, in 3 x 3 x 3 cells."""
    places = [
        site.positions
        for site in crystal.sites
        if sum(x for s, x in site.occupancy.items() if wanted(s)) > above
    ]
    if not places:
        return np.zeros((0, 3))
    shifts = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    fractional = (np.concatenate(places)[None] + shifts[:, None]).reshape(-1, 3)
    return fractional @ crystal.lattice
