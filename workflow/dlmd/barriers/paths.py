"""Hops of mobile ions between neighbouring sites of a relaxed supercell: found by direction or by site, and made into endpoints.

A hop ends on an empty site, or on one that is emptied for it: removing the ion that sits there makes a vacancy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.structures.crystal import Crystal
from dlmd.structures.ion_sites import SITE_RADIUS_A, IonSites, occupation

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1

# Between neighbouring directions of a cation lattice lie 30 degrees and more; refined sites are a few degrees off ideal ones
ANGLE_TOLERANCE_DEG = 12.0
# Cations of octahedra that share an edge are 3.4 to 4 Å apart, the next ones 5 Å
NEIGHBOUR_A = 4.5
# Sites given by labels are neighbours up to this factor of their shortest distance
SAME_SHELL = 1.1
MAX_PATHS = 100
VACANCY, EMPTY = "vacancy", "empty site"


@dataclass(frozen=True)
class Hop:
    """What is asked for: a direction [uvw] of the conventional cell, the labels of two sites, or both; and of which ion, where
    there are several."""

    name: str
    direction: tuple[int, int, int] | None = None
    start: str | None = None
    end: str | None = None
    ion: str | None = None

    @property
    def label(self) -> str:
        """As figures and tables show it: '[110]', 'Li2 to Ti1 [101]', 'Na [110]'."""
        sites = f"{self.start or 'any'} to {self.end or 'any'}" if self.start or self.end else ""
        line = "[" + "".join(map(str, self.direction)) + "]" if self.direction else ""
        return " ".join(part for part in (self.ion, sites, line) if part)


@dataclass(frozen=True)
class Path:
    """One hop of one ion. Atoms are numbered as in the relaxed cell; lengths in Å."""

    cell: int  # which of the cells
    mechanism: str  # VACANCY: the ion on the target was removed; EMPTY: nothing was there
    ion: int
    removed: int | None
    start_site: str
    end_site: str
    direction: tuple[int, int, int] | None  # the one taken among those equivalent by symmetry
    vector_angstrom: tuple[float, float, float]
    length_angstrom: float
    host_neighbours_start: int
    host_neighbours_end: int
    host_neighbours: int  # of either end, each ion once

    def to_dict(self) -> dict:
        return asdict(self)


def equivalent_directions(crystal: Crystal, direction: Sequence[int]) -> list[tuple[int, int, int]]:
    """Directions [uvw] that the crystal's symmetry makes of one, the opposite ones included where there is inversion."""
    images = np.rint(crystal.rotations @ np.array(direction)).astype(int)
    return sorted({(int(u), int(v), int(w)) for u, v, w in images}, reverse=True)


def hop_pairs(crystal: Crystal, sites: IonSites, hop: Hop) -> list[tuple[int, int, tuple, tuple | None]]:
    """Pairs of neighbouring basis positions that a hop joins, in the unit cell.

    Along a direction the neighbour is the nearest site within ANGLE_TOLERANCE_DEG of it; without one, it is any site of
    the asked label within SAME_SHELL of the shortest distance.

    Returns
    -------
    (first, second, shift in unit cells, direction taken or None), each.

    Raises
    ------
    DlmdError
        for a site that the crystal lacks or that ions of the mobile sign cannot take, and where no sites are joined.
    """
    where = f"barriers.hops, {hop.name}"
    basis_label = [crystal.sites[i].label for i in sites.supercell.site_of_basis]
    open_labels = set(sites.label)
    wanted = [None if key is None else crystal.site(key, where=where).label for key in (hop.start, hop.end)]
    for key, label in zip((hop.start, hop.end), wanted, strict=True):
        if label is not None and label not in open_labels:
            raise DlmdError(
                f"site {key} holds ions of the other sign",
                where=where,
                remedy=f"use one of {', '.join(sorted(open_labels))}",
            )
    directions = equivalent_directions(crystal, hop.direction) if hop.direction else [None]
    # Along a lattice vector the next site is at most one vector away.
    reach = (
        max(float(np.linalg.norm(np.array(d) @ crystal.lattice)) for d in directions)
        if hop.direction
        else 12.0
    )
    pairs = sites.supercell.pairs(reach + 1e-3)
    vector = (
        sites.supercell.basis[pairs.second] + pairs.shift - sites.supercell.basis[pairs.first]
    ) @ crystal.lattice
    labels = np.array(basis_label)
    allowed = np.isin(labels[pairs.first], list(open_labels)) & np.isin(
        labels[pairs.second], list(open_labels)
    )
    for label, end in zip(wanted, (pairs.first, pairs.second), strict=True):
        if label is not None:
            allowed &= labels[end] == label
    found = []
    for direction in directions:
        here = allowed.copy()
        if direction is None:
            shortest = pairs.distance[here].min() if here.any() else 0.0
            chosen: Any = np.flatnonzero(here & (pairs.distance <= SAME_SHELL * shortest))
        else:
            line = np.array(direction) @ crystal.lattice
            cosine = vector @ line / (pairs.distance * np.linalg.norm(line))
            chosen = _first_of_each(
                np.flatnonzero(here & (cosine >= np.cos(np.radians(ANGLE_TOLERANCE_DEG)))), pairs
            )
        found += [
            (int(pairs.first[k]), int(pairs.second[k]), tuple(map(int, pairs.shift[k])), direction)
            for k in chosen
        ]
    if not found:
        raise DlmdError(
            f"no two sites are neighbours along this hop ({hop.label})",
            where=where,
            remedy=f"sites of the crystal: {', '.join(sorted(open_labels))}; check the direction and the labels",
        )
    return found


def _first_of_each(rows: np.ndarray, pairs) -> list[int]:
    """The nearest pair of every first position among `rows`."""
    nearest: dict[int, int] = {}
    for k in rows[np.argsort(pairs.distance[rows], kind="stable")]:
        nearest.setdefault(int(pairs.first[k]), int(k))
    return list(nearest.values())


def find_paths(
    crystal: Crystal,
    cells: Sequence[Atoms],
    hop: Hop,
    *,
    repeat: Sequence[Sequence[int]],
    charges: Mapping[str, float],
    mobile: str,
    seed: int,
) -> list[Path]:
    """All hops of a kind in some relaxed cells, ordered so that the first few sample the local environments evenly.

    The candidates are sorted by the number of host ions around them and picked in van der Corput's order from a seeded
    start: any first n of them are a stratified sample, and asking for more adds to it. At most MAX_PATHS are returned.

    Parameters
    ----------
    crystal
        The CIF's crystal.
    cells
        Relaxed supercells of it.
    repeat
        Unit cells along a, b, c of each.

    Raises
    ------
    DlmdError
        for an unknown site, and where no cell has such a hop.
    """
    found: list[Path] = []
    for number, (atoms, size) in enumerate(zip(cells, repeat, strict=True)):
        sites = IonSites.of(crystal, repeat=size, charges=charges, mobile=mobile)
        found += _paths_of_cell(crystal, atoms, number, hop, sites, charges, mobile)
    if not found:
        raise DlmdError(
            f"no {mobile} ion of the relaxed cells can make this hop: its end is a host ion or off its site",
            where=f"barriers.hops, {hop.name}",
            remedy="check direction and sites, or name other orderings in barriers.cells",
        )
    rng = np.random.default_rng(seed)
    ties = rng.random(len(found))
    order = sorted(range(len(found)), key=lambda k: (*_environment(found[k]), ties[k]))
    return [found[order[k]] for k in _spread(len(found), min(len(found), MAX_PATHS), float(rng.random()))]


def _environment(path: Path) -> tuple:
    return path.host_neighbours, path.start_site, path.end_site, path.host_neighbours_start


def _spread(n: int, count: int, offset: float) -> list[int]:
    """`count` distinct indices below `n`, any first few of them evenly spread (van der Corput's sequence, base 2)."""
    picked: dict[int, None] = {}
    k = 0
    while len(picked) < count:
        fraction, denominator, rest = 0.0, 1.0, k
        while rest:
            denominator *= 2
            fraction += (rest & 1) / denominator
            rest >>= 1
        picked.setdefault(int((fraction + offset) % 1.0 * n))
        k += 1
    return list(picked)


def _paths_of_cell(
    crystal: Crystal,
    atoms: Atoms,
    number: int,
    hop: Hop,
    sites: IonSites,
    charges: Mapping[str, float],
    mobile: str,
) -> list[Path]:
    placed = occupation(atoms, sites, charges=charges, mobile=mobile)
    symbols = np.array(atoms.get_chemical_symbols())
    site_of_position = np.full(sites.supercell.n_positions, -1)
    site_of_position[sites.position] = np.arange(len(sites.position))
    cell = atoms.cell.array
    unit = cell / np.array(sites.supercell.repeat)[:, None]
    basis = sites.supercell.basis
    host = np.flatnonzero((placed.site >= 0) & (symbols != mobile))
    n_cells = sites.supercell.n_cells
    paths, seen = [], set()
    for first, second, shift, direction in hop_pairs(crystal, sites, hop):
        starts = site_of_position[first * n_cells + np.arange(n_cells)]
        ends = site_of_position[sites.supercell.partners(second, shift)]
        ideal = (basis[second] + shift - basis[first]) @ unit
        for p, q in zip(starts.tolist(), ends.tolist(), strict=True):
            ion, other = placed.atom[p], placed.atom[q]
            if p == q or ion < 0 or symbols[ion] != mobile or (other >= 0 and symbols[other] != mobile):
                continue
            if other < 0 and _crowded(atoms, placed.centres[q], charges, mobile, ion):
                continue
            # a hop into a vacancy and the one back are the same band
            key = (p, q, *np.round(ideal, 3)) if p < q else (q, p, *np.round(-ideal, 3))
            if other >= 0 and key in seen:
                continue
            seen.add(key)
            target = placed.centres[q] if other < 0 else atoms.positions[other]
            vector = _image_near(target - atoms.positions[ion], ideal, cell)
            around = [set(_neighbours(atoms, host, placed.centres[s])) for s in (p, q)]
            paths.append(
                Path(
                    cell=number,
                    mechanism=VACANCY if other >= 0 else EMPTY,
                    ion=int(ion),
                    removed=int(other) if other >= 0 else None,
                    start_site=str(sites.label[p]),
                    end_site=str(sites.label[q]),
                    direction=direction,
                    vector_angstrom=(float(vector[0]), float(vector[1]), float(vector[2])),
                    length_angstrom=float(np.linalg.norm(vector)),
                    host_neighbours_start=len(around[0]),
                    host_neighbours_end=len(around[1]),
                    host_neighbours=len(around[0] | around[1]),
                )
            )
    return paths


def _image_near(vector: np.ndarray, wanted: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The periodic image of `vector` nearest to `wanted`."""
    shift = np.linalg.solve(cell.T, vector - wanted)
    return vector - np.round(shift) @ cell


def _distances(atoms: Atoms, index: np.ndarray, centre: np.ndarray) -> np.ndarray:
    scaled = np.linalg.solve(atoms.cell.array.T, (atoms.positions[index] - centre).T).T
    return np.linalg.norm((scaled - np.round(scaled)) @ atoms.cell.array, axis=1)


def _neighbours(atoms: Atoms, index: np.ndarray, centre: np.ndarray) -> list[int]:
    d = _distances(atoms, index, centre)
    return index[(d <= NEIGHBOUR_A) & (d > SITE_RADIUS_A)].tolist()


def _crowded(atoms: Atoms, centre: np.ndarray, charges: Mapping[str, float], mobile: str, ion: int) -> bool:
    """Whether an ion between sites is in the way of an empty one."""
    like = [
        i for i, s in enumerate(atoms.get_chemical_symbols()) if charges[s] * charges[mobile] > 0 and i != ion
    ]
    return bool((_distances(atoms, np.array(like), centre) < 1.5 * SITE_RADIUS_A).any())


def endpoints(atoms: Atoms, path: Path) -> tuple[Atoms, Atoms, int]:
    """Unrelaxed start and end of a hop, not wrapped: the ion's way from one to the other is the straight one.

    Returns
    -------
    Atoms, Atoms, int
        Start and end (without the removed ion, order kept), and the number of the moving ion in them.
    """
    start = atoms.copy()
    start.calc = None
    end = start.copy()
    end.positions[path.ion] += path.vector_angstrom
    ion = path.ion
    if path.removed is not None:
        del start[path.removed], end[path.removed]
        ion -= path.removed < path.ion
    return start, end, int(ion)
