"""Groups of atoms that one ion is made of (OH, NH4, BH4, PO4): how many ligands a centre has where places are partly filled.

Occupancies of a disordered orientation say how many ligands a centre has on average: eight places around an oxygen, each with
an eighth of a hydrogen, are one hydroxide. Filled at random they would be O, OH, OH2 and OH3 in one crystal, which is no
hydroxide any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from dlmd.structures import angles
from dlmd.structures.crystal import Crystal, Site
from dlmd.structures.supercell import Supercell

Place = tuple[int, tuple[int, int, int]]  # position in the unit cell, unit cell
Pair = tuple[int, int, tuple[int, int, int]]
Content = Mapping[str, Mapping[str, float]]  # site label -> species -> occupancy

BOND_SHARE = 1.15  # of the sum of covalent radii
HYDROGEN = "H"
HOLDERS = frozenset("B C N O S".split())  # of hydrogen
CENTRES = frozenset("B C N P S Cl Se".split())  # of an ion's other ligands, where their charge is positive
LIGANDS = frozenset("O S Se F N Cl".split())
WHOLE = (
    0.05  # ligands to a centre, on average, this near to a whole number are that many; others are vacancies
)
EXACT = 1e-4
SAME_LENGTH_A = 0.01  # distances that differ by less are alike


@dataclass(frozen=True)
class Bent:
    """Pairs of places of one molecule that are not filled together, for its angles.

    Attributes
    ----------
    pairs
        Positions in the unit cell of both, and unit cells from the first's to the second's; in both orders.
    longest
        Distance (Å) within which they all are.
    kept
        The shortest distance (Å) between two places that are filled together.
    """

    pairs: frozenset[Pair]
    longest: float
    kept: float


@dataclass(frozen=True)
class Ligands:
    """Places around the centres of one site, and how many of them are filled where the centre is there.

    Attributes
    ----------
    centres, ligands
        Species that count as a centre, and as a ligand.
    around
        Position of the site in the unit cell -> the places around it.
    fewest, most
        Ligands to a centre.
    site
        Label of the centres' site.
    bent
        What the angles of a molecule leave out, None where any places will do.
    """

    centres: frozenset[str]
    ligands: frozenset[str]
    around: Mapping[int, tuple[Place, ...]]
    fewest: int
    most: int
    site: str
    bent: Bent | None = None


def of_crystal(crystal: Crystal, content: Content, charges: Mapping[str, float]) -> list[Ligands]:
    """The groups of which some places are partly filled; `content` is what the sites hold."""
    found: list[Ligands] = []
    for site in crystal.sites:
        here = {s for s, x in content[site.label].items() if x > 0}
        anions = {s for row in content.values() for s, x in row.items() if x > 0 and charges[s] < 0}
        positive = {s for s in here if charges[s] > 0}
        for known, centres, ligands in (
            (here & HOLDERS, here & HOLDERS, {HYDROGEN}),
            (positive & CENTRES, positive, anions & LIGANDS),
        ):
            # what shares a site with a centre of this kind has as many ligands
            group = _around(crystal, content, site, _bonds(known, ligands), frozenset(centres))
            if group is not None:
                found.append(group)
    owners = Counter(
        b for g in found if g.ligands == {HYDROGEN} for near in g.around.values() for b, _ in near
    )
    shared = frozenset(b for b, n in owners.items() if n > 1)  # hydrogen between two centres is no molecule's
    return [replace(g, bent=_bent(crystal, content, g, shared)) for g in found]


def _bent(crystal: Crystal, content: Content, group: Ligands, shared: frozenset[int]) -> Bent | None:
    """What the angles between two or three hydrogens leave out around the centres of a site."""
    cell = Supercell(crystal, (1, 1, 1))
    here = content[group.site]
    filled = sum(here.get(s, 0.0) for s in group.centres)
    pairs: set[Pair] = set()
    left_out, kept = [], []
    for centre, near in group.around.items():
        if group.ligands != {HYDROGEN} or any(b in shared for b, _ in near):
            return None
        sites = [crystal.sites[cell.site_of_basis[b]].label for b, _ in near]
        held = [content[label].get(HYDROGEN, 0.0) / filled for label in sites]
        bonds = np.array([cell.basis[b] + np.array(shift) - cell.basis[centre] for b, shift in near])
        bonds = bonds.reshape(-1, 3) @ crystal.lattice
        most = max(group.centres, key=lambda s: (here.get(s, 0.0), s))
        wrong = angles.wrong(bonds, sites, held, most, (group.fewest, group.most))
        if wrong is None:
            return None
        apart = np.linalg.norm(bonds[:, None] - bonds[None], axis=2)
        for i, j in zip(*(k.tolist() for k in np.nonzero(wrong)), strict=True):
            x, y, z = (int(k) for k in np.subtract(near[j][1], near[i][1]))
            pairs.add((near[i][0], near[j][0], (x, y, z)))
        left_out.append(float(apart[wrong].max()))
        np.fill_diagonal(wrong, True)
        kept.append(float(apart[~wrong].min()))
    return Bent(frozenset(pairs), max(left_out), min(kept)) if pairs else None


def _bonds(centres: set[str], ligands: set[str]) -> dict[tuple[str, str], float]:
    """Longest bond (Å) of every centre and ligand."""
    from ase.data import atomic_numbers, covalent_radii

    radius = {s: float(covalent_radii[atomic_numbers[s]]) for s in centres | ligands}
    return {(c, s): BOND_SHARE * (radius[c] + radius[s]) for c in centres for s in ligands if c != s}


def _around(
    crystal: Crystal,
    content: Content,
    site: Site,
    bonds: Mapping[tuple[str, str], float],
    centres: frozenset[str],
) -> Ligands | None:
    """The group around a site; None where its places are full, or filled in part by vacancies."""
    ligands = frozenset(s for _, s in bonds)
    held = {label: sum(x for s, x in row.items() if s in ligands) for label, row in content.items()}
    if not any(0 < x < 1 for x in held.values()):
        return None
    cell = Supercell(crystal, (1, 1, 1))
    label = [crystal.sites[k].label for k in cell.site_of_basis]
    reach = [
        max((d for (_, s), d in bonds.items() if content[name].get(s, 0.0) > 0), default=0.0)
        for name in label
    ]
    pairs = cell.pairs(max(bonds.values()))
    around: dict[int, list[Place]] = {b: [] for b in range(len(label)) if label[b] == site.label}
    for a, b, shift, distance in zip(
        pairs.first.tolist(), pairs.second.tolist(), pairs.shift.tolist(), pairs.distance, strict=True
    ):
        if a in around and distance < reach[b]:
            around[a].append((b, (shift[0], shift[1], shift[2])))
    places = [held[label[b]] for near in around.values() for b, _ in near]
    if not any(0 < x < 1 for x in places):
        return None
    filled = sum(x for s, x in content[site.label].items() if s in centres)
    mean = sum(places) / (filled * len(around))
    if abs(mean - round(mean)) > WHOLE and ligands != {HYDROGEN}:
        return None
    fewest, most = floor(mean + EXACT), ceil(mean - EXACT)
    return Ligands(centres, ligands, {b: tuple(near) for b, near in around.items()}, fewest, most, site.label)


def shortest_bonds(
    crystal: Crystal, content: Content, groups: Sequence[Ligands]
) -> dict[tuple[str, str], float]:
    """Centre and hydrogen, in both orders -> the shortest bond (Å) between them, of centres that are there in part.

    Beside full ones hydrogen has no other room, which tells a bond by itself.
    """
    cell = Supercell(crystal, (1, 1, 1))
    found: dict[tuple[str, str], float] = {}
    for group in (g for g in groups if g.ligands == {HYDROGEN}):
        here = [s for s in group.centres if content[group.site].get(s, 0.0) > 0]
        if sum(content[group.site].values()) > 1 - EXACT:
            continue
        for b, near in group.around.items():
            places = np.array([cell.basis[k] + np.array(shift) for k, shift in near]) - cell.basis[b]
            shortest = float(np.linalg.norm(places @ crystal.lattice, axis=1).min()) if near else np.inf
            for s in here:
                for pair in ((s, HYDROGEN), (HYDROGEN, s)):
                    found[pair] = min(found.get(pair, np.inf), shortest)
    return found


def hydrogens_apart(crystal: Crystal, groups: Sequence[Ligands]) -> float:
    """The distance (Å) that two hydrogens keep where an ion has three or more, 0 where any two places will do.

    The places of NH4 or BH4 in several orientations are the corners of a cube and more: four of them are a tetrahedron where
    they are as far apart as four can be. The distance is just above the longest one that this leaves out.
    """
    cell = Supercell(crystal, (1, 1, 1))
    reached, left_out = [], []
    for group in groups:
        if group.ligands != {HYDROGEN} or group.most < 2:
            continue
        for near in group.around.values():
            if len(near) > angles.MOST_PLACES or len(near) < group.most:
                return 0.0
            places = np.array([cell.basis[b] + np.array(shift) for b, shift in near]) @ crystal.lattice
            apart = np.linalg.norm(places[:, None] - places[None], axis=2)
            farthest = _farthest(apart, group.most)
            reached.append(group.bent.kept if group.bent else farthest)
            shorter = apart[apart < farthest - SAME_LENGTH_A]
            if group.most > 2 and not group.bent:
                left_out.append(float(shorter.max()) + SAME_LENGTH_A / 2)
    fitting = [d for d in left_out if d < min(reached)]
    return max(fitting, default=0.0)


def _farthest(apart: np.ndarray, number: int) -> float:
    """The largest distance (Å) that so many of the places can keep from each other; `apart` (n, n)."""
    import networkx

    lengths = np.unique(np.round(apart[np.triu_indices(len(apart), 1)], 3)) - SAME_LENGTH_A / 2
    low, high = 0, len(lengths) - 1
    while low < high:  # the first always does
        middle = (low + high + 1) // 2
        graph = networkx.Graph(zip(*np.nonzero(np.triu(apart >= lengths[middle], 1)), strict=True))
        if any(len(clique) >= number for clique in networkx.find_cliques(graph)):
            low = middle
        else:
            high = middle - 1
    return float(lengths[low])


class Counts:
    """The groups in a supercell: every centre's places, and whether a content has as many ligands as it must.

    Contents are those of `distances.Exclusions`: (positions,) of 0 for a vacancy and k for species k - 1.
    """

    def __init__(self, supercell: Supercell, groups: Sequence[Ligands], species: Sequence[str]):
        self.groups = groups
        self.centre: list[int] = []
        self.places: list[np.ndarray] = []
        self.kind: list[int] = []
        self.is_centre, self.is_ligand = (
            np.array([[False, *(s in names(g) for s in species)] for g in groups])
            for names in (lambda g: g.centres, lambda g: g.ligands)
        )
        self.of_position: dict[int, list[int]] = {}
        for kind, group in enumerate(groups):
            for b, near in group.around.items():
                own = supercell.partners(b, (0, 0, 0))
                others = np.array([supercell.partners(k, shift) for k, shift in near]).reshape(len(near), -1)
                for n, position in enumerate(own.tolist()):
                    number = len(self.centre)
                    self.centre.append(position)
                    self.places.append(others[:, n])
                    self.kind.append(kind)
                    for member in {position, *others[:, n].tolist()}:
                        self.of_position.setdefault(member, []).append(number)
        self.bounds = [self._bounds(number) for number in range(len(self.centre))]
        # swaps ask for single groups a million times: lists are five times as fast as arrays
        self._places = [places.tolist() for places in self.places]
        self._is_ligand, self._is_centre = self.is_ligand.tolist(), self.is_centre.tolist()

    @property
    def crowded(self) -> bool:
        """Whether the cell is too small for its groups, so that one position is two places of a centre."""
        return any(len(set(places)) < len(places) for places in self._places)

    def _bounds(self, number: int) -> tuple[int, int, int]:
        """Fewest and most ligands where the centre is there, and the most where it is not."""
        places, group = self.places[number].tolist(), self.groups[self.kind[number]]
        if len(set(places)) < len(places):  # the cell is too small for its groups: nothing is demanded
            return 0, len(places), len(places)
        shared = any(len(self.of_position[p]) > 1 for p in places)
        return group.fewest, group.most, len(places) if shared else 0

    def allows(self, content: np.ndarray, *positions: int) -> bool:
        """Whether all groups that these positions belong to have as many ligands as they must."""
        return not any(self.off(content, n) for p in positions for n in self.of_position.get(p, ()))

    def off_at(self, content: np.ndarray, *positions: int) -> int:
        """Ligands too many or too few in the groups that these positions belong to."""
        numbers = {n for p in positions for n in self.of_position.get(p, ())}
        return sum([self.off(content, n) for n in numbers])

    def wrong(self, content: np.ndarray) -> list[int]:
        """Numbers of the groups that have not."""
        return [n for n in range(len(self.centre)) if self.off(content, n)]

    def off(self, content: np.ndarray, number: int) -> int:
        """Ligands too many or too few around one centre."""
        ligands = self._ligands(content, number)
        fewest, most, alone = self.bounds[number]
        if self._is_centre[self.kind[number]][content[self.centre[number]]]:
            return max(fewest - ligands, ligands - most, 0)
        return max(ligands - alone, 0)

    def _ligands(self, content: np.ndarray, number: int) -> int:
        is_ligand = self._is_ligand[self.kind[number]]
        return sum([is_ligand[content[place]] for place in self._places[number]])

    def describe(self, content: np.ndarray, number: int) -> str:
        """What a centre has and what it should have, for an error message."""
        group, ligands = self.groups[self.kind[number]], self._ligands(content, number)
        if not self._is_centre[self.kind[number]][content[self.centre[number]]]:
            return f"{group.site} without an atom and {ligands} {'/'.join(sorted(group.ligands))} around it"
        wanted = f"{group.fewest}" if group.fewest == group.most else f"{group.fewest} or {group.most}"
        return f"{group.site} with {ligands} {'/'.join(sorted(group.ligands))} around it for {wanted}"
