"""The sites that a mobile ion can take in one unit cell: those of the CIF, the voids between, and the layers they form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlmd.base.carriers import elements, spoken
from dlmd.base.errors import DlmdError
from dlmd.mechanism.voids import MERGE_A, Polyhedron, nearest_distance, polyhedra, voids
from dlmd.structures.crystal import Crystal, Site

VERSION = 1

# Heights nearer than this belong to one layer, and a layer of cations is this far from every anion.
LAYER_GAP_A = 0.8
# An axis is as good as the best one if the cations keep at least this share of the best distance from the anions.
_GAP_SHARE = 0.8


@dataclass(frozen=True)
class SiteType:
    """One kind of site.

    Attributes
    ----------
    label
        Shape and Wyckoff label, such as 'oct 4h' or 'tet 8j'; with a number where several share it.
    shape
        See `dlmd.mechanism.voids.Polyhedron`.
    crystal
        Whether the CIF names it; else it is a void of the anion lattice.
    resting
        Whether ions rest there: all sites of the CIF, and voids of a shape that a site of the CIF has. Other voids are
        ways between resting sites.
    """

    label: str
    shape: str
    crystal: bool
    resting: bool


@dataclass(frozen=True)
class Stacking:
    """Layers of resting sites between the anions, of the shape that most cations have.

    Attributes
    ----------
    axis
        0, 1, 2: stacked along a*, b*, c*.
    heights
        (n,) fractional heights of the layers in the unit cell.
    names
        Such as 'Ti layer' where host cations share it, else 'Li layer'.
    """

    axis: int
    heights: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class SiteLattice:
    """Sites of one unit cell.

    Attributes
    ----------
    fractional
        (s, 3) positions.
    type_of_site
        (s,) indices into `types`.
    polyhedra
        Anions about every site; indices refer to `anions`.
    layer_of_site
        (s,) index of the layer, -1 for a site of none.
    anions
        (a, 3) fractional coordinates of the anion sites.
    host_cations
        (h, 3) fractional coordinates of all sites that may hold a cation of the host, filled or not.
    """

    types: tuple[SiteType, ...]
    fractional: np.ndarray
    type_of_site: np.ndarray
    polyhedra: tuple[Polyhedron, ...]
    layer_of_site: np.ndarray
    stacking: Stacking | None
    anions: np.ndarray
    host_cations: np.ndarray


def site_lattice(crystal: Crystal, *, mobile: str, charges: Mapping[str, float]) -> SiteLattice:
    """Sites of a crystal for its mobile ion.

    Sites of the CIF count where they hold the mobile ion or are partly vacant, and no anion; those full of other cations
    belong to the host.

    Raises
    ------
    DlmdError
        for a crystal without anions or without such a site.
    """
    anion_sites = [s for s in crystal.sites if any(charges[x] < 0 for x in s.occupancy)]
    cation_sites = [s for s in crystal.sites if s not in anion_sites]
    carrying = set(elements(mobile))
    open_sites = [
        s for s in cation_sites if carrying & set(s.occupancy) or sum(s.occupancy.values()) < 1 - 1e-6
    ]
    if not anion_sites or not open_sites:
        raise DlmdError(
            f"{crystal.name} has no {'anions' if not anion_sites else f'site for {spoken(mobile)}'}",
            where=crystal.source,
            remedy="check material.charges and material.mobile",
        )
    anions = np.concatenate([s.positions for s in anion_sites])
    cations = np.concatenate([s.positions for s in cation_sites])
    kept: list[Any] = []
    positions: list[Any] = []
    names: list[Any] = []
    host_share: list[Any] = []
    for site in open_sites:
        earlier = np.concatenate(positions) if positions else np.empty((0, 3))
        # split positions of one site are one place for an ion
        own = site.positions[nearest_distance(site.positions, earlier, crystal.lattice) > MERGE_A]
        if len(own):
            kept.append(site)
            positions.append(own)
            names.append(site.wyckoff)
            host_share.append(sum(v for x, v in site.occupancy.items() if x not in carrying))
    n_crystal = len(positions)
    positions += voids(
        anions,
        crystal.lattice,
        taken=cations,
        rotations=crystal.rotations,
        translations=crystal.translations,
    )
    about = [polyhedra(p, anions, crystal.lattice) for p in positions]
    names += _wyckoff(positions, crystal)[n_crystal:]
    host_cations = [s.positions for s in cation_sites if any(x not in carrying for x in s.occupancy)]
    fractional = np.concatenate(positions)
    type_of_site = np.repeat(np.arange(len(positions)), [len(p) for p in positions])
    types = _types([p[0].shape for p in about], names, n_crystal)
    share = np.array([*host_share, *[0.0] * (len(positions) - n_crystal)])[type_of_site]
    common = _common_shape(types, kept, positions)
    in_layer = np.array([t.resting and t.shape == common for t in types])[type_of_site]
    stacking, layer = _stacking(
        fractional, in_layer, share, anions=anions, lattice=crystal.lattice, crystal=crystal, mobile=mobile
    )
    return SiteLattice(
        types=types,
        fractional=fractional,
        type_of_site=type_of_site,
        polyhedra=tuple(p for group in about for p in group),
        layer_of_site=layer,
        stacking=stacking,
        anions=anions,
        host_cations=np.concatenate(host_cations) if host_cations else np.empty((0, 3)),
    )


def _common_shape(types: Sequence[SiteType], kept: Sequence[Site], positions: Sequence[np.ndarray]) -> str:
    """The shape about most ions of the crystal's sites `kept`; `positions` are (n, 3) of each."""
    filled: dict[str, float] = {}
    for site_type, site, points in zip(types, kept, positions, strict=False):
        ions = len(points) * sum(site.occupancy.values())
        filled[site_type.shape] = filled.get(site_type.shape, 0.0) + ions
    return max(filled, key=filled.__getitem__)


def _types(shapes: list[str], wyckoff: list[str], n_crystal: int) -> tuple[SiteType, ...]:
    labels = [f"{shape} {name}" for shape, name in zip(shapes, wyckoff, strict=True)]
    counts, seen = Counter(labels), Counter[str]()
    types = []
    for k, (label, shape) in enumerate(zip(labels, shapes, strict=True)):
        seen[label] += 1
        name = label if counts[label] == 1 else f"{label} ({seen[label]})"
        types.append(SiteType(name, shape, k < n_crystal, k < n_crystal or shape in shapes[:n_crystal]))
    return tuple(types)


def _wyckoff(positions: list[np.ndarray], crystal: Crystal) -> list[str]:
    """Multiplicity and Wyckoff letter of every orbit, by spglib; the multiplicity alone where it finds no symmetry."""
    import warnings

    import spglib

    hosts = [s.positions for s in crystal.sites if not any(s.positions is p for p in positions)]
    everything = [*positions, *hosts]
    kinds = np.repeat(np.arange(len(everything)), [len(p) for p in everything])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = spglib.get_symmetry_dataset(
            (crystal.lattice, np.concatenate(everything), kinds + 1), symprec=0.1
        )
    first = np.cumsum([0, *[len(p) for p in positions[:-1]]])
    return [
        f"{len(p)}{data.wyckoffs[i] if data is not None else ''}"
        for p, i in zip(positions, first, strict=True)
    ]


def _stacking(
    fractional: np.ndarray,
    in_layer: np.ndarray,
    host_share: np.ndarray,
    *,
    anions: np.ndarray,
    lattice: np.ndarray,
    crystal: Crystal,
    mobile: str,
) -> tuple[Stacking | None, np.ndarray]:
    """Layers of sites, along the reciprocal axis on which they keep apart from the anions.

    Where several axes do so about as well (a cubic close packing has many), the one whose layers differ most in their share
    of host cations is taken, then the one with the widest spacing.
    """
    widths = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    candidates = []
    for axis in range(3):
        height = fractional[in_layer, axis] % 1.0
        gap = np.abs(height[:, None] - anions[None, :, axis])
        gap = float((np.minimum(gap % 1.0, -gap % 1.0) * widths[axis]).min())
        planes, member = _planes(height, LAYER_GAP_A / widths[axis])
        share = np.array([host_share[in_layer][member == k].mean() for k in range(len(planes))])
        contrast = float(np.mean((share - share.mean()) ** 2))
        candidates.append(
            (gap, (round(contrast, 6), widths[axis] / len(planes)), axis, planes, member, share)
        )
    layer = np.full(len(fractional), -1)
    widest = max(gap for gap, *_ in candidates)
    if widest < LAYER_GAP_A:
        return None, layer
    near = [c for c in candidates if c[0] >= max(LAYER_GAP_A, _GAP_SHARE * widest)]
    _, _, axis, planes, member, share = max(near, key=lambda c: c[1])
    layer[in_layer] = member
    host = "/".join(_host_cations(crystal, mobile, axis, planes))
    names = tuple(f"{host} layer" if s > 1e-9 else f"{spoken(mobile)} layer" for s in share)
    return Stacking(axis, planes, names), layer


def _host_cations(crystal: Crystal, mobile: str, axis: int, planes: np.ndarray) -> list[str]:
    """Species other than the mobile ion on sites at the height of a layer."""
    found: dict[str, None] = {}
    for site in crystal.sites:
        away = np.abs(site.positions[:, axis, None] - planes[None]) % 1.0
        if np.minimum(away, 1 - away).min() < 0.05:
            found.update(dict.fromkeys(x for x in site.occupancy if x not in elements(mobile)))
    return list(found)


def _planes(height: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the planes in [0, 1), ascending, and the plane of each position."""
    order = np.argsort(height)
    group = np.concatenate([[0], np.cumsum(np.diff(height[order]) > tolerance)])
    unwrapped = height[order].copy()
    n = group[-1] + 1
    # the last and the first may be one plane across the boundary
    if n > 1 and height[order[0]] + 1 - height[order[-1]] <= tolerance:
        unwrapped[group == n - 1] -= 1
        group[group == n - 1] = 0
        n -= 1
    centres = np.array([unwrapped[group == k].mean() for k in range(n)])
    member = np.empty(len(height), dtype=int)
    member[order] = group
    return centres, member
