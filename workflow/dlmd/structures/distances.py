"""Minimum distances between atoms: split sites never both filled, no two ions on top of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlmd.base.errors import DlmdError, did_you_mean
from dlmd.structures.supercell import Supercell

MinDistance = float | Mapping[str, float]
DEFAULT_A = 1.5
REPAIR_TRIES_PER_POSITION = 200
MIXING_SWAPS_PER_POSITION = 10


def limits(min_distance_angstrom: MinDistance, species: Sequence[str]) -> np.ndarray:
    """(s + 1, s + 1) smallest allowed distances in Å, row and column 0 standing for the vacancy.

    `min_distance_angstrom` is one number for all pairs, or pair -> number as in {'Li-Li': 2.0}; pairs not named then
    keep 1.5 Å.

    Raises
    ------
    DlmdError
        for a pair of unknown species, and a distance outside 0 to 10 Å.
    """
    table = np.zeros((len(species) + 1,) * 2)
    if not isinstance(min_distance_angstrom, Mapping):
        table[1:, 1:] = _positive(min_distance_angstrom, "min_distance_angstrom")
        return table
    table[1:, 1:] = DEFAULT_A
    for pair, value in min_distance_angstrom.items():
        names = str(pair).split("-")
        unknown = [name for name in names if name not in species]
        if len(names) != 2 or unknown:
            known = [f"{a}-{b}" for a in species for b in species]
            raise DlmdError(
                f"'{pair}' is no pair of species here",
                where="min_distance_angstrom",
                remedy=did_you_mean(pair, known),
            )
        i, j = (species.index(name) + 1 for name in names)
        table[i, j] = table[j, i] = _positive(value, f"min_distance_angstrom: {pair}")
    return table


def _positive(value: float, where: str) -> float:
    if not 0 <= float(value) < 10:
        raise DlmdError(f"{value} Å", where=where, remedy="give a distance in Å, from 0 to below 10")
    return float(value)


class Exclusions:
    """Which contents of neighbouring positions a minimum distance forbids.

    Contents (positions,) are integers: 0 for a vacancy, k for species k - 1.
    """

    def __init__(self, supercell: Supercell, table: np.ndarray):
        self.supercell = supercell
        pairs = supercell.pairs(max(float(table.max()), 0.01))
        self.pairs = pairs
        start, self.neighbour, pair = supercell.neighbour_table(pairs)
        self.start = start.tolist()
        # forbidden[entry, a, b]: contents a here and b at the neighbour lie too near
        self.forbidden = pairs.distance[pair][:, None, None] < table[None]
        self.possible = bool(self.forbidden.any())

    def conflicts_at(self, position: int, content_here: int, content: np.ndarray) -> int:
        low, high = self.start[position], self.start[position + 1]
        if low == high or content_here == 0:
            return 0
        neighbours = self.neighbour[low:high]
        return int(self.forbidden[np.arange(low, high), content_here, content[neighbours]].sum())

    def conflicting(self, content: np.ndarray) -> np.ndarray:
        """Positions whose atom has a neighbour too near."""
        first = np.repeat(np.arange(len(content)), np.diff(self.start))
        bad = self.forbidden[np.arange(len(first)), content[first], content[self.neighbour]]
        return np.unique(first[bad])

    def swap_allowed(self, content: np.ndarray, a: int, b: int) -> bool:
        """Whether exchanging the contents of a and b leaves both without conflict."""
        content[a], content[b] = content[b], content[a]
        free = not self.conflicts_at(a, content[a], content) and not self.conflicts_at(b, content[b], content)
        content[a], content[b] = content[b], content[a]
        return free

    def describe(self, content: np.ndarray, position: int) -> str:
        """The nearest forbidden pair at a position, for an error message."""
        low, high = self.start[position], self.start[position + 1]
        entries = np.arange(low, high)
        bad = entries[self.forbidden[entries, content[position], content[self.neighbour[low:high]]]]
        site = self.supercell.crystal.sites[self.supercell.site_of_position[position]]
        others = self.supercell.site_of_position[self.neighbour[bad]]
        names = sorted({self.supercell.crystal.sites[i].label for i in others})
        return f"{site.label} and {' or '.join(names)}"


def repair(
    content: np.ndarray, movable: Sequence[np.ndarray], exclusions: Exclusions, rng: np.random.Generator
) -> None:
    """Swap atoms within their site until no two are too near, then mix among such arrangements, in place.

    `content` is (positions,). The mixing (random swaps that keep the distances) undoes the bias of the repair.

    Raises DlmdError where no such arrangement is found.
    """
    owner = np.full(len(content), -1)
    for k, positions in enumerate(movable):
        owner[positions] = k
    tries = REPAIR_TRIES_PER_POSITION * max(sum(map(len, movable)), 50)
    bad = exclusions.conflicting(content)
    while len(bad):
        mobile = bad[owner[bad] >= 0]
        if not len(mobile) or tries <= 0:
            position = int((mobile if len(mobile) else bad)[0])
            raise DlmdError(
                f"{len(bad)} atoms stay closer than the minimum distance, such as "
                f"{exclusions.describe(content, position)}",
                where="min_distance_angstrom",
                remedy="lower min_distance_angstrom, or the occupancies of these sites",
            )
        for a in mobile.tolist():
            here = exclusions.conflicts_at(a, content[a], content)
            if not here:
                continue
            group = movable[owner[a]]
            b = int(group[int(rng.random() * len(group))])
            tries -= 1
            if content[a] == content[b]:
                continue
            before = here + exclusions.conflicts_at(b, content[b], content)
            content[a], content[b] = content[b], content[a]
            after = exclusions.conflicts_at(a, content[a], content) + exclusions.conflicts_at(
                b, content[b], content
            )
            if after > before:
                content[a], content[b] = content[b], content[a]
        bad = exclusions.conflicting(content)
    for positions in movable:
        draws = rng.random((MIXING_SWAPS_PER_POSITION * len(positions), 2))
        for a, b in positions[(draws * len(positions)).astype(int)].tolist():
            if content[a] != content[b] and exclusions.swap_allowed(content, a, b):
                content[a], content[b] = content[b], content[a]
