"""Which positions exclude each other: distances that like ions keep, and how much a crystal can hold under them.

Two ions of one sign come no closer than about their diameter. Sites of a CIF do: split sites, and the two ends of a jump.
The smallest distances are derived from Shannon's radii and from what the crystal itself fills, and every group of positions
of which one at most can be filled (a clique) bounds the occupancies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

Content = Mapping[str, Mapping[str, float]]  # site label -> species -> occupancy
Node = tuple[int, tuple[int, int, int], str]  # basis position, unit cell, species

# Like ions in ordered crystals: cations keep about 1.2 diameters (Na-Na 2.5 Å), and lithium 2.1 Å (Li3N, 2.13 Å);
# large anions touch within a molecule-like group (O-O 2.2 Å in carbonate).
CATIONS_KEEP, CATIONS_NEED, SHORTEST_CATIONS_A = 1.2, 1.0, 2.1
ANIONS_KEEP, ANIONS_NEED = 0.8, 0.7
# of two cations of charge 3 and more; sharing faces of octahedra they keep 2.65 Å (Al2O3)
HIGHLY_CHARGED_A, HIGHLY_CHARGED_E = 2.5, 3.0
# bonds between two of them, or of them with themselves, are no ions' contacts; 2.2 Å between two of them in borates
MOLECULAR = frozenset("H B C N".split())
CYANIDE_A = 1.08  # C and N are 1.14 to 1.18 Å apart in CN-
NEEDED_SHARE = 0.93  # of SHORTEST_CATIONS_A: 1.95 Å, which refined LISICONs have beside a full site
FULL = 0.98  # sites filled to this much stand at a distance that occurs
NOTHING = 1e-6  # atoms
OVERLAP_SHARE = 0.75  # of what two ions need
SLACK = 0.02  # refined occupancies of positions that exclude each other may add up to this much above 1
UNLIKE_KEEP = 0.75  # of the sum of radii: the shortest bonds of oxides of P, S, B and N are 0.8 or more
UNKNOWN_RADIUS_A = 0.7
SHORTEST_BOND_A, HYDROGEN_BOND_A = 1.2, 0.7  # of unlike ions
MOST_NODES = 60  # a denser surrounding is bounded pair by pair


@dataclass(frozen=True)
class Clique:
    """Positions and species of which at most one can be there, and the shortest distance among them (Å)."""

    nodes: tuple[Node, ...]
    sites: tuple[str, ...]  # of each node
    distance_a: float

    @cached_property
    def weights(self) -> dict[tuple[str, str], int]:
        """(site, species) -> number of nodes."""
        found: dict[tuple[str, str], int] = {}
        for (_, _, species), site in zip(self.nodes, self.sites, strict=True):
            found[site, species] = found.get((site, species), 0) + 1
        return found

    def filled(self, content: Content) -> float:
        """Mean number of atoms on the clique; above 1 is impossible."""
        return sum(n * content[site].get(species, 0.0) for (site, species), n in self.weights.items())

    def crowded(self, content: Content) -> bool:
        """Whether it holds more than has room, or anything beside a full site: nothing of a full site ever gives way."""
        held = [content[site].get(species, 0.0) for site, species in self.weights]
        filled = self.filled(content)
        return filled > 1 + SLACK or (max(held) >= 1 and filled > 1 + NOTHING)

    @property
    def names(self) -> str:
        names = list(dict.fromkeys(self.sites))
        return " and ".join(names) if len(names) > 1 else f"positions of {names[0]}"


class Surroundings:
    """Positions of a crystal within a distance of each other, and what they hold."""

    def __init__(self, crystal: Crystal, content: Content, cutoff_angstrom: float):
        cell = Supercell(crystal, (1, 1, 1))
        self.crystal = crystal
        self.pairs = cell.pairs(max(cutoff_angstrom, 0.01))
        self.basis = cell.basis @ crystal.lattice
        self.label = [crystal.sites[i].label for i in cell.site_of_basis]
        self.species = [[s for s, x in content[label].items() if x > 0] for label in self.label]
        self.start = np.searchsorted(self.pairs.first, np.arange(len(self.basis) + 1))

    def nearest(self, content: Content, a: str, b: str) -> float:
        """The shortest distance (Å) between two full sites that can hold a and b; infinite where there is none."""
        full = [sum(content[label].values()) >= FULL for label in self.label]
        p = self.pairs
        near = [
            d
            for i, j, d in zip(p.first, p.second, p.distance, strict=True)
            if full[i] and full[j] and a in self.species[i] and b in self.species[j]
        ]
        return min(near, default=np.inf)

    def contacts(
        self, content: Content, limit: Mapping[tuple[str, str], float]
    ) -> list[tuple[tuple[str, str], tuple[str, str], float, float]]:
        """Pairs nearer than their limit: labels of the sites, species, distance (Å) and the sum of their occupancies."""
        p, found = self.pairs, []
        for i, j, d in zip(p.first, p.second, p.distance, strict=True):
            for a in self.species[i]:
                for b in self.species[j]:
                    if d < limit.get((a, b), 0.0):
                        labels = (self.label[i], self.label[j])
                        held = content[labels[0]][a] + content[labels[1]][b]
                        found.append((labels, (a, b), float(d), held))
        return found

    def distances(self, clique: Clique) -> list[tuple[tuple[str, str], float]]:
        """Species and distance (Å) of all pairs of a clique that are not at one position."""
        place = [self.basis[b] + np.array(shift) @ self.crystal.lattice for b, shift, _ in clique.nodes]
        found = []
        for i, (_, _, s) in enumerate(clique.nodes):
            for j, (_, _, t) in enumerate(clique.nodes[:i]):
                d = float(np.linalg.norm(place[i] - place[j]))
                if d > 1e-3:
                    found.append(((s, t), d))
        return found

    def cliques(self, limit: Mapping[tuple[str, str], float]) -> list[Clique]:
        """All maximal cliques, each once up to translations."""
        found: dict[tuple[Node, ...], Clique] = {}
        for centre in range(len(self.basis)):
            for nodes, distance in self._around(centre, limit):
                key = _canonical(nodes)
                if key not in found:
                    found[key] = Clique(key, tuple(self.label[b] for b, _, _ in key), distance)
        return list(found.values())

    def _around(self, centre: int, limit: Mapping[tuple[str, str], float]) -> list[tuple[list[Node], float]]:
        rows = slice(self.start[centre], self.start[centre + 1])
        near = [(centre, (0, 0, 0)), *self._neighbours(rows)]
        places = np.array([self.basis[b] + np.array(shift) @ self.crystal.lattice for b, shift in near])
        distance = np.linalg.norm(places[:, None] - places[None], axis=2)
        nodes = [(k, s) for k, (b, _) in enumerate(near) for s in self.species[b]]
        own = [n for n in nodes if n[0] == 0]
        nodes = [
            n
            for n in nodes
            if n[0] == 0 or any(distance[0, n[0]] < limit.get((o[1], n[1]), 0.0) for o in own)
        ]
        if len(nodes) == len(own):
            return []  # nobody near: most crystals, which need no graphs and not the time that their import takes
        import networkx

        graph = networkx.Graph()
        for i, (k, s) in enumerate(nodes):
            for m, t in nodes[:i]:
                if k == m or distance[k, m] < limit.get((s, t), 0.0):
                    graph.add_edge((k, s), (m, t))
        if len(nodes) <= MOST_NODES:
            groups = networkx.find_cliques(graph)
        else:
            groups = iter([list(edge) for edge in graph.edges if edge[0][0] == 0 or edge[1][0] == 0])
        made = []
        for group in groups:
            members = sorted({k for k, _ in group})
            if len(members) > 1 and members[0] == 0:
                shortest = min(distance[k, m] for i, k in enumerate(members) for m in members[:i])
                made.append(([(near[k][0], near[k][1], s) for k, s in group], float(shortest)))
        return made

    def _neighbours(self, rows: slice) -> list[tuple[int, tuple[int, int, int]]]:
        return [
            (int(b), (int(x), int(y), int(z)))
            for b, (x, y, z) in zip(self.pairs.second[rows], self.pairs.shift[rows], strict=True)
        ]

    def widest(
        self, clique: Clique, full: Mapping[tuple[str, str], float]
    ) -> tuple[float, float, tuple[str, str]]:
        """The pair of a clique whose distance is the largest part of what it keeps: that part, the distance, the species."""
        best = (0.0, 0.0, ("", ""))
        for pair, d in self.distances(clique):
            if full.get(pair, 0.0) > 0:
                best = max(best, (d / full[pair], d, pair))
        return best


def _canonical(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes in order, in the unit cell of the first of them."""
    ordered = sorted(nodes)
    forms = []
    for first in [n for n in ordered if n[0] == ordered[0][0]]:
        x, y, z = first[1]
        forms.append(tuple(sorted((b, (i - x, j - y, k - z), s) for b, (i, j, k), s in ordered)))
    return min(forms)


def derived(
    crystal: Crystal,
    content: Content,
    charges: Mapping[str, float],
    *,
    default_a: float = 0.0,
    fixed: Sequence[tuple[str, str]] = (),
) -> dict[tuple[str, str], float]:
    """Smallest distance (Å) of every pair of species, in both orders, but for the pairs in `fixed`.

    It is `default_a`, or more for ions. It is lowered where the crystal fills sites nearer than it: to the distance of
    full sites always, to that of partly filled ones as long as the ions do not overlap.
    """
    species = [s for s in charges if any(row.get(s, 0.0) > 0 for row in content.values())]
    keep, need = {}, {}
    for i, a in enumerate(species):
        for b in species[: i + 1]:
            if (a, b) in fixed:
                continue
            keeps, needs = default_a, min(default_a, HYDROGEN_BOND_A if "H" in (a, b) else SHORTEST_BOND_A)
            if charges[a] * charges[b] > 0 and "H" not in (a, b) and not _of_cyanide(a, b, charges):
                (k1, n1), (k2, n2) = _own(a, charges[a]), _own(b, charges[b])
                keeps, needs = max(default_a, (k1 + k2) / 2), (n1 + n2) / 2
                if min(charges[a], charges[b]) >= HIGHLY_CHARGED_E and not {a, b} & MOLECULAR:
                    keeps = max(keeps, HIGHLY_CHARGED_A)
            keep[a, b] = keep[b, a] = keeps
            need[a, b] = need[b, a] = needs
    if not keep:
        return {}
    around = Surroundings(crystal, content, max(keep.values()))
    for a, b in keep:
        keep[a, b] = min(keep[a, b], around.nearest(content, a, b))
    wanted = dict(keep)
    for _ in range(100):
        over = [c for c in around.cliques(keep) if c.crowded(content)]
        lowered = False
        for clique in sorted(over, key=lambda c: -c.filled(content)):
            _, distance, (a, b) = around.widest(clique, wanted)
            if (a, b) in keep and need[a, b] <= distance < keep[a, b]:
                keep[a, b] = keep[b, a] = distance - 1e-6
                lowered = True
                break
        if not lowered:
            break
    return _with_unlike(around.crystal, content, charges, keep, default_a)


def _of_cyanide(a: str, b: str, charges: Mapping[str, float]) -> bool:
    """Whether one is the carbon of CN- (C +2) or CO, and the other a cation: these bond, 1.9 Å in Prussian blues."""
    return any(
        one == "C" and other not in MOLECULAR and 1.5 < charges["C"] < 2.5 < charges["C"] + charges[other]
        for one, other in ((a, b), (b, a))
    )


def overlap(charges: Mapping[str, float], a: str, b: str) -> float:
    """The distance (Å) below which two ions of one sign are two halves of a split site, whatever anybody states; 0 of others."""
    if charges[a] * charges[b] <= 0 or "H" in (a, b) or _of_cyanide(a, b, charges):
        return 0.0
    return OVERLAP_SHARE * (_own(a, charges[a])[1] + _own(b, charges[b])[1]) / 2


def unlike_contact(a: str, b: str, charges: Mapping[str, float]) -> float:
    """The distance (Å) below which a cation and an anion are no contact; 0 for others, and for hydrogen."""
    if charges[a] * charges[b] >= 0 or "H" in (a, b):
        return 0.0
    if {a, b} == {"C", "N"}:
        return CYANIDE_A
    return UNLIKE_KEEP * (radius(a, charges[a]) + radius(b, charges[b]))


def needed_by_anions(a: str, b: str, charges: Mapping[str, float]) -> float:
    """The distance (Å) that two anions need; 0 of others, and of any with fewer electrons than a full shell: those have bonds.

    So peroxide (O -1), disulfide (S -1) and whatever shares its charge with metals are no such anions.
    """
    from pymatgen.core import Element

    if (
        max(charges[a] - Element(a).min_oxidation_state, charges[b] - Element(b).min_oxidation_state)
        > NOTHING
    ):
        return 0.0
    return (_own(a, charges[a])[1] + _own(b, charges[b])[1]) / 2


def _with_unlike(
    crystal: Crystal,
    content: Content,
    charges: Mapping[str, float],
    keep: Mapping[tuple[str, str], float],
    default_a: float,
) -> dict[tuple[str, str], float]:
    """The distances with those of cation and anion raised, as far as what the crystal holds has room."""
    raised = dict(keep)
    for a, b in keep:
        raised[a, b] = max(keep[a, b], unlike_contact(a, b, charges)) if default_a > 0 else keep[a, b]
    unlike = {pair for pair in keep if raised[pair] > keep[pair]}
    if not unlike:
        return raised
    around = Surroundings(crystal, content, max(raised.values()))
    near = around.contacts(content, {pair: raised[pair] for pair in unlike})
    for pair in unlike - {pair for _, pair, _, _ in near}:  # no sites that it would keep apart
        raised[pair] = keep[pair]

    def lower(pair: tuple[str, str], distance: float) -> None:
        a, b = pair
        raised[a, b] = raised[b, a] = max(keep[pair], min(raised[pair], distance - 1e-6))

    for _, pair, distance, held in near:
        if held > 1 + SLACK:
            lower(pair, distance)
    while True:
        before = dict(raised)
        for clique in around.cliques(raised):
            if clique.crowded(content):
                for pair, distance in around.distances(clique):
                    if pair in unlike:
                        lower(pair, distance)
        if raised == before:
            return raised


def _own(species: str, charge: float) -> tuple[float, float]:
    """Distances (Å) that two ions of a species keep, and that they need."""
    diameter = 2 * radius(species, charge)
    if charge < 0:
        return ANIONS_KEEP * diameter, ANIONS_NEED * diameter
    return (
        max(SHORTEST_CATIONS_A, CATIONS_KEEP * diameter),
        max(NEEDED_SHARE * SHORTEST_CATIONS_A, CATIONS_NEED * diameter),
    )


def radius(species: str, charge: float) -> float:
    """Shannon's ionic radius (Å) for six neighbours, or the nearest there is."""
    from pymatgen.core import Species

    state = round(charge) or (1 if charge > 0 else -1)
    for z in sorted(range(-4, 8), key=lambda z: (abs(z - state), z)):
        if z * charge <= 0:
            continue
        for coordination in ("VI", "IV", "VIII", "V", "III", "XII", "II"):
            try:
                return float(Species(species, z).get_shannon_radius(coordination, "", "ionic"))
            except (KeyError, ValueError):
                pass
            for spin in ("High Spin", "Low Spin"):
                try:
                    return float(Species(species, z).get_shannon_radius(coordination, spin, "ionic"))
                except (KeyError, ValueError):
                    continue
    return UNKNOWN_RADIUS_A


def rows_of(cliques: Sequence[Clique]) -> list[dict[tuple[str, str], int]]:
    """The different bounds that the cliques are: (site, species) -> number of its positions among which one is filled."""
    unique: dict[Any, dict[tuple[str, str], int]] = {}
    for clique in cliques:
        unique.setdefault(tuple(sorted(clique.weights.items())), clique.weights)
    return list(unique.values())
