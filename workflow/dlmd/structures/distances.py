"""Minimum distances between atoms: split sites never both filled, no two ions on top of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures import exclusion, molecules
from dlmd.structures.crystal import Crystal
from dlmd.structures.supercell import Supercell

MinDistance = float | Mapping[str, float]
DEFAULT_A = 1.5
DEFAULT_KEY = "default"
SHORTER_A = 1e-6
FEW_CHANGED = 50  # one in so many positions


def limits(
    min_distance_angstrom: MinDistance,
    species: Sequence[str],
    *,
    derived: Mapping[tuple[str, str], float] | None = None,
) -> np.ndarray:
    """(s + 1, s + 1) smallest allowed distances in Å, row and column 0 standing for the vacancy.

    Parameters
    ----------
    min_distance_angstrom
        One number for all pairs, or pair -> number as in {'Li-Li': 2.0, 'default': 1.2}; pairs not named keep the
        default, 1.5 Å without one.
    derived
        What the crystal makes of the default for pairs that are not named.

    Raises
    ------
    DlmdError
        for a pair of unknown species, and a distance outside 0 to 10 Å.
    """
    table = np.zeros((len(species) + 1,) * 2)
    named = pairs_named(min_distance_angstrom, species)
    default = (
        min_distance_angstrom.get(DEFAULT_KEY, DEFAULT_A)
        if isinstance(min_distance_angstrom, Mapping)
        else min_distance_angstrom
    )
    table[1:, 1:] = _positive(default, "min_distance_angstrom")
    for (a, b), value in (derived or {}).items():
        if a in species and b in species:
            i, j = species.index(a) + 1, species.index(b) + 1
            table[i, j] = value
    for (a, b), value in named.items():
        i, j = species.index(a) + 1, species.index(b) + 1
        table[i, j] = table[j, i] = _positive(value, f"min_distance_angstrom: {a}-{b}")
    return table


def pairs_named(min_distance_angstrom: MinDistance, species: Sequence[str]) -> dict[tuple[str, str], float]:
    """The pairs of species that a distance is given for, in the order given. Raises DlmdError for a pair of others."""
    found = {}
    if isinstance(min_distance_angstrom, Mapping):
        for pair, value in min_distance_angstrom.items():
            names = tuple(str(pair).split("-"))
            if str(pair) == DEFAULT_KEY:
                continue
            if len(names) != 2 or any(name not in species for name in names):
                known = [DEFAULT_KEY, *(f"{a}-{b}" for a in species for b in species)]
                raise DlmdError(
                    f"'{pair}' is no pair of species here",
                    where="min_distance_angstrom",
                    remedy=did_you_mean(pair, known),
                )
            found[names[0], names[1]] = value
    return found


def of_crystal(
    min_distance_angstrom: MinDistance,
    crystal: Crystal,
    content: exclusion.Content,
    *,
    charges: Mapping[str, float],
    species: Sequence[str],
) -> np.ndarray:
    """(s + 1, s + 1) `limits` with what like ions keep in this crystal (see `exclusion.derived`)."""
    # pairs of the config's other occupancies may be named too
    allowed = [*species, *(s for s in charges if s not in species)]
    named = pairs_named(min_distance_angstrom, allowed)
    given = (
        {
            pair: x
            for pair, x in min_distance_angstrom.items()
            if pair == DEFAULT_KEY or all(name in species for name in str(pair).split("-"))
        }
        if isinstance(min_distance_angstrom, Mapping)
        else min_distance_angstrom
    )
    fixed = [*named, *((b, a) for a, b in named)]
    default = given.get(DEFAULT_KEY, DEFAULT_A) if isinstance(given, Mapping) else given
    derived = exclusion.derived(
        crystal,
        content,
        {s: charges[s] for s in species},
        default_a=_positive(default, "min_distance_angstrom"),
        fixed=fixed,
    )
    if molecules.HYDROGEN in species:
        _of_hydrogens(derived, crystal, content, charges, default=float(default), fixed=fixed)
    return limits(given, species, derived=derived)


def _of_hydrogens(
    derived: dict[tuple[str, str], float],
    crystal: Crystal,
    content: exclusion.Content,
    charges: Mapping[str, float],
    *,
    default: float,
    fixed: Sequence[tuple[str, str]],
) -> None:
    """Put in what hydrogens keep: bonds of their ions, and distances in these that make the ion's shape where they have room."""
    groups = molecules.of_crystal(crystal, content, charges)
    for pair, length in molecules.shortest_bonds(crystal, content, groups).items():
        if pair not in fixed:
            derived[pair] = min(derived.get(pair, default), length - SHORTER_A)
    pair = (molecules.HYDROGEN, molecules.HYDROGEN)
    kept = min((g.bent.kept for g in groups if g.bent), default=np.inf) - SHORTER_A
    if pair not in fixed and kept < derived.get(pair, default):
        derived[pair] = kept
    apart = 0.0 if pair in fixed else molecules.hydrogens_apart(crystal, groups)
    if apart <= derived.get(pair, default):
        return
    around = exclusion.Surroundings(crystal, content, apart)
    crowded = any(clique.filled(content) > 1 + exclusion.NOTHING for clique in around.cliques({pair: apart}))
    if apart <= around.nearest(content, *pair) and not crowded:
        derived[pair] = apart


def _positive(value: float, where: str) -> float:
    if not 0 <= float(value) < 10:
        raise DlmdError(f"{value} Å", where=where, remedy="give a distance in Å, from 0 to below 10")
    return float(value)


class Exclusions:
    """Which contents of neighbouring positions a minimum distance forbids.

    Contents (positions,) are integers: 0 for a vacancy, k for species k - 1. With `allowed` ((sites, s + 1), which contents
    a site can have) only pairs that can occur are looked at; `species` are their names, for messages. `groups` have a number
    of ligands that swaps keep, and those of two or three hydrogens their angles where the distances have room for these.
    """

    def __init__(
        self,
        supercell: Supercell,
        table: np.ndarray,
        *,
        allowed: np.ndarray | None = None,
        species: Sequence[str] = (),
        groups: Sequence[molecules.Ligands] = (),
    ):
        self.supercell, self.table, self.species = supercell, table, species
        self.groups = molecules.Counts(supercell, groups, species) if groups else None
        bent = self._bent(groups)
        cutoff = max([float(table.max()), 0.01, *(b.longest + SHORTER_A for b in bent)])
        pairs = supercell.pairs(cutoff)
        forbidden = pairs.distance[:, None, None] < table[None]
        if bent:
            hydrogen, left_out = (
                species.index(molecules.HYDROGEN) + 1,
                frozenset().union(*(b.pairs for b in bent)),
            )
            keys = zip(
                pairs.first.tolist(), pairs.second.tolist(), map(tuple, pairs.shift.tolist()), strict=True
            )
            forbidden[:, hydrogen, hydrogen] |= [key in left_out for key in keys]
        if allowed is not None:
            of_basis = allowed[supercell.site_of_basis]
            forbidden &= of_basis[pairs.first][:, :, None] & of_basis[pairs.second][:, None, :]
        some = np.asarray(forbidden.any(axis=(1, 2)))
        self.pairs, self.forbidden = pairs.select(some), forbidden[some]
        self.possible = bool(some.any()) or self.groups is not None
        start, self.neighbour, self.pair = supercell.neighbour_table(self.pairs)
        self.start = start.tolist()
        # rows of forbidden contents as nested tuples: looked up one by one, they are ten times as fast as arrays
        self._tables = [tuple(map(tuple, rows)) for rows in self.forbidden.tolist()]
        self._neighbours = self.neighbour.tolist()
        self._pair = self.pair.tolist()

    def _bent(self, groups: Sequence[molecules.Ligands]) -> list[molecules.Bent]:
        """The molecules whose angles count: a cell must not be too small for them, nor a stated distance too long."""
        if molecules.HYDROGEN not in self.species:
            return []
        hydrogen = self.species.index(molecules.HYDROGEN) + 1
        within = [g.bent for g in groups if g.bent and self.table[hydrogen, hydrogen] <= g.bent.kept]
        return within if self.groups is not None and not self.groups.crowded else []

    def conflicts_at(self, position: int, content_here: int, content: np.ndarray) -> int:
        low, high = self.start[position], self.start[position + 1]
        if low == high or content_here == 0:
            return 0
        neighbours, pair, tables = self._neighbours, self._pair, self._tables
        return sum(tables[pair[k]][content_here][content[neighbours[k]]] for k in range(low, high))

    def conflicting(self, content: np.ndarray) -> np.ndarray:
        """Positions whose atom has a neighbour too near."""
        first = np.repeat(np.arange(len(content)), np.diff(self.start))
        bad = self.forbidden[self.pair, content[first], content[self.neighbour]]
        return np.unique(first[bad])

    def still_conflicting(
        self, content: np.ndarray, before: np.ndarray, changed: Sequence[int]
    ) -> np.ndarray:
        """`conflicting` after changes at these positions, where it was `before`, from their surroundings alone."""
        if FEW_CHANGED * len(changed) > len(content):
            return self.conflicting(content)
        near = {n for p in changed for n in self._neighbours[self.start[p] : self.start[p + 1]]} | {*changed}
        bad = {n for n in near if self.conflicts_at(n, int(content[n]), content)}
        return np.array(sorted(bad.union(before.tolist()) - (near - bad)), dtype=int)

    def swap_allowed(self, content: np.ndarray, a: int, b: int) -> bool:
        """Whether exchanging the contents of a and b leaves both without conflict."""
        content[a], content[b] = content[b], content[a]
        free = not self.conflicts_at(a, content[a], content) and not self.conflicts_at(b, content[b], content)
        if free and self.groups is not None:
            free = self.groups.allows(content, a, b)
        content[a], content[b] = content[b], content[a]
        return free

    def named(self, content: np.ndarray, position: int) -> str:
        """The pair of species that is too near at a position, as the key of a distance just below the nearest such pair."""
        low, high = self.start[position], self.start[position + 1]
        entries = np.arange(low, high)
        bad = entries[
            self.forbidden[self.pair[entries], content[position], content[self.neighbour[low:high]]]
        ]
        nearest = bad[np.argmin(self.pairs.distance[self.pair[bad]])]
        kinds = sorted((int(content[position]), int(content[self.neighbour[nearest]])))
        names = "-".join(self.species[k - 1] for k in kinds) if self.species else "A-B"
        return f"{names}: {self.pairs.distance[self.pair[nearest]] - 0.01:.2f}"

    def describe(self, content: np.ndarray, position: int) -> str:
        """The nearest forbidden pair at a position, for an error message."""
        low, high = self.start[position], self.start[position + 1]
        entries = np.arange(low, high)
        bad = entries[
            self.forbidden[self.pair[entries], content[position], content[self.neighbour[low:high]]]
        ]
        site = self.supercell.crystal.sites[self.supercell.site_of_position[position]]
        others = self.supercell.site_of_position[self.neighbour[bad]]
        names = sorted({self.supercell.crystal.sites[i].label for i in others})
        return f"{site.label} and {' or '.join(names)}"
