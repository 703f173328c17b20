"""Hops between resting sites, from the visits of ions to the cores of sites: where, when, how far, by which way.

An ion belongs to the resting site whose core it visited last. A hop is its arrival in the core of another one; visits to sites of
passage in between (tetrahedra between octahedra) are the way of the hop, and coming back from one is no hop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlmd.mechanism.site_network import SiteNetwork
from dlmd.mechanism.site_visits import Visits

VERSION = 2

_HIGHEST_INDEX = 3
# A hop belongs to the simplest direction within this angle.
_DIRECTION_DEG = 6.0


@dataclass(frozen=True)
class Stays:
    """Times during which ions belonged to sites, ion after ion, in order of time.

    Attributes
    ----------
    ion, site
        (n,) indices.
    image
        (n, 3) cells by which the site is shifted.
    start, end
        (n,) in ps from the start of the run; from one arrival to the next.
    begun, ended
        (n,) whether the start and the end were seen: the first stay of an ion has no start, the last no end.
    last_ps
        (n,) when the ion was last in the core.
    """

    ion: np.ndarray
    site: np.ndarray
    image: np.ndarray
    start: np.ndarray
    end: np.ndarray
    begun: np.ndarray
    ended: np.ndarray
    last_ps: np.ndarray


@dataclass(frozen=True)
class Hops:
    """Hops of one run, ion after ion, in order of time.

    Attributes
    ----------
    ion, origin, target
        (h,) ion, site left and site reached.
    vector_a
        (h, 3) from site to site, Å.
    time_ps
        (h,) in the middle between the last frame in the one core and the first in the other.
    arrival_ps
        (h,) first frame in the core of the target.
    way
        (h,) type of the first site of passage on the way, -1 for a direct hop.
    approach
        (h,) how near the ion came to a site of passage on its way, over that site's distance to the nearest other one.
    layers
        (h,) layers climbed along the stacking; 0 within a layer.
    consecutive
        (h,) whether the hop before this one in the table is the same ion's.
    length_ps
        Of the run.
    """

    ion: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    vector_a: np.ndarray
    time_ps: np.ndarray
    arrival_ps: np.ndarray
    way: np.ndarray
    approach: np.ndarray
    layers: np.ndarray
    consecutive: np.ndarray
    n_ions: int
    length_ps: float

    def __len__(self) -> int:
        return len(self.ion)


def stays(visits: Visits, keep: np.ndarray | None = None) -> Stays:
    """Stays from visits; with `keep` (v,) only those visits count, repeated ones of one site being one stay."""
    rows = np.arange(len(visits.ion)) if keep is None else np.flatnonzero(keep)
    ion, site, image = visits.ion[rows], visits.site[rows], visits.image[rows]
    new = np.ones(len(rows), dtype=bool)
    if len(rows):
        new[1:] = (ion[1:] != ion[:-1]) | (site[1:] != site[:-1]) | (image[1:] != image[:-1]).any(axis=1)
    begin = np.flatnonzero(new)
    final = np.append(begin[1:], len(rows)) - 1 if len(begin) else begin
    dt = visits.frame_interval_ps
    ion, site, image = ion[begin], site[begin], image[begin]
    begun = np.zeros(len(begin), dtype=bool)
    begun[1:] = ion[1:] == ion[:-1]
    ended = np.append(begun[1:], False) if len(begin) else begun
    # before its first core an ion counts to the site of that core
    start = np.where(begun, visits.first[rows[begin]] * dt, 0.0)
    end = np.where(ended, np.append(start[1:], 0.0), visits.length_ps) if len(begin) else start
    return Stays(ion, site, image, start, end, begun, ended, visits.last[rows[final]] * dt)


def hops(network: SiteNetwork, visits: Visits) -> Hops:
    """All hops between resting sites."""
    resting = network.resting[visits.site]
    held = stays(visits, resting)
    there = np.flatnonzero(held.begun)
    here = there - 1
    places = network.positions[held.site] + held.image @ network.cell
    layers = np.zeros(len(there), dtype=int)
    if network.lattice.stacking is not None:
        axis = network.lattice.stacking.axis
        n_layers = len(network.lattice.stacking.heights) * network.repeat[axis]
        level = network.layer[held.site] + n_layers * held.image[:, axis]
        in_layer = network.layer[held.site] >= 0
        # One of the sites belongs to no layer: the hop is part of a way between layers.
        layers = np.where(in_layer[there] & in_layer[here], level[there] - level[here], 1)
    way, approach = _ways(network, visits, resting)
    consecutive = np.zeros(len(there), dtype=bool)
    consecutive[1:] = held.ion[there[1:]] == held.ion[there[:-1]]
    return Hops(
        ion=held.ion[there],
        origin=held.site[here],
        target=held.site[there],
        vector_a=places[there] - places[here],
        time_ps=0.5 * (held.last_ps[here] + held.start[there]),
        arrival_ps=held.start[there],
        way=way,
        approach=approach,
        layers=layers,
        consecutive=consecutive,
        n_ions=visits.n_ions,
        length_ps=visits.length_ps,
    )


def _ways(network: SiteNetwork, visits: Visits, resting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every hop the type of the first site of passage, -1 for none, and the nearest approach to any."""
    kinds = network.type_of_site
    ways, nearest = [], []
    way, near, before = -1, np.inf, None
    for ion, site, image, rests, passed, approach in zip(
        visits.ion,
        visits.site,
        visits.image.tolist(),
        resting,
        visits.passed,
        visits.approach,
        strict=True,
    ):
        near = min(near, approach)
        if not rests:
            # a visit without an approach is the ion's vibration
            way = kinds[site] if way < 0 and np.isfinite(approach) else way
            continue
        if before is not None and before[0] == ion and before[1:] != (site, image):
            ways.append(way if way >= 0 else (kinds[passed] if passed >= 0 else -1))
            nearest.append(near)
        before, way, near = (ion, site, image), -1, np.inf
    return np.array(ways, dtype=int), np.array(nearest)


def classes(network: SiteNetwork, table: Hops) -> tuple[list[str], np.ndarray]:
    """Names of the classes of hops, and the class of each: within or between layers, direct or by way of a void."""
    stacking, kinds = network.lattice.stacking, network.lattice.types
    names: list[str] = []
    if stacking is None:
        where = ["hop"] * len(table)
    else:
        n = len(stacking.names)
        where = [
            f"within {stacking.names[layer % n]}" if climbed == 0 and layer >= 0 else "between layers"
            for layer, climbed in zip(network.layer[table.origin], table.layers, strict=True)
        ]
    how = ["direct" if way < 0 else f"via {kinds[way].shape}" for way in table.way]
    labels = [f"{a}, {b}" for a, b in zip(where, how, strict=True)]
    names = sorted(set(labels), key=class_order)
    return names, np.array([names.index(label) for label in labels], dtype=int)


def class_order(name: str) -> tuple:
    """Sorts classes: within layers first, direct hops first."""
    return name.startswith("between"), name.split(",")[0], "direct" not in name


def directions(network: SiteNetwork, table: Hops, rotations: np.ndarray) -> list[str]:
    """The family of crystallographic directions <uvw> of each hop, from the ideal positions of its sites.

    Of all [uvw] with indices up to 3 within 6 degrees the one with the smallest indices, and of the symmetry-equivalent
    ones the one with the largest first, second, third index; '<irr>' where there is none.

    Parameters
    ----------
    rotations
        (n, 3, 3) the crystal's rotations on fractional coordinates.
    """
    from math import gcd

    unit = network.cell / np.array(network.repeat)[:, None]
    grid = np.arange(-_HIGHEST_INDEX, _HIGHEST_INDEX + 1)
    uvw = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    uvw = uvw[[gcd(*map(int, row)) == 1 for row in uvw]]
    uvw = uvw[np.argsort((uvw**2).sum(axis=1), kind="stable")]
    arms = uvw @ unit
    arms /= np.linalg.norm(arms, axis=1)[:, None]
    away = network.ideal - network.positions
    vectors = table.vector_a + away[table.target] - away[table.origin]
    # hops between ideal sites have few different vectors, however many hops there are
    distinct, which = np.unique(np.round(vectors, 2), axis=0, return_inverse=True)
    cosine = distinct / np.linalg.norm(distinct, axis=1)[:, None] @ arms.T
    near = cosine > np.cos(np.radians(_DIRECTION_DEG))
    names = [
        "<" + " ".join(map(str, _canonical(uvw[row.argmax()], rotations))) + ">" if row.any() else "<irr>"
        for row in near
    ]
    return [names[k] for k in which.ravel()]


def _canonical(row: np.ndarray, rotations: np.ndarray) -> tuple[int, ...]:
    images = np.round(rotations @ row).astype(int)
    return max(tuple(int(x) for x in v) for v in np.concatenate([images, -images]))
