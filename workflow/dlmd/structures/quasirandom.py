"""Pair correlations of an ordering against those of the random alloy, and swaps that bring them together.

For two disordered sites s, t and a distance d, the random alloy of occupancies x has N x_s(p) x_t(q) pairs with
species p on s and q on t, N being the number of such pairs of positions (Zunger et al., Phys. Rev. Lett. 65, 353
(1990)). Pairs nearer than the minimum distance cannot match and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlmd.structures.distances import Exclusions
from dlmd.structures.occupancy import Apportionment
from dlmd.structures.supercell import Supercell

CUTOFF_A = 8.0
SAME_SHELL_A = 0.01
SWEEPS = 300
HOTTEST, COLDEST = 1.0, 1e-3  # in units of the change of the mismatch by one pair of the largest site
PERFECT = 1e-9


@dataclass(frozen=True)
class Observable:
    """One kind of pair: species on two sites at a distance, and how often it occurs in the random alloy."""

    sites: tuple[str, str]
    species: tuple[str, str]
    distance_a: float
    pairs: int
    random_alloy: float  # expected number


class PairCorrelations:
    """Counts (observables,) of all kinds of pairs within a cutoff among the disordered positions.

    The mismatch of an ordering is the sum over observables of (count - expected)^2 / (number of pairs). For
    random orderings it has the same size in cells of any size; it is 0 where all correlations are met.
    """

    def __init__(
        self,
        supercell: Supercell,
        apportionment: Apportionment,
        groups: Sequence[np.ndarray],
        limits: np.ndarray,
        *,
        cutoff_angstrom: float = CUTOFF_A,
    ):
        self.groups = groups
        positions = np.concatenate(groups) if groups else np.zeros(0, int)
        pairs = supercell.pairs(cutoff_angstrom)
        basis = np.unique(positions // supercell.n_cells)
        pairs = pairs.select(np.isin(pairs.first, basis) & np.isin(pairs.second, basis))
        start, self.neighbour, self.pair = supercell.neighbour_table(pairs)
        self.start = start.tolist()

        # observable[row of pairs, content here, content there]; 0 collects what is not observed
        n_contents = len(apportionment.species) + 1
        self.observable = np.zeros((len(pairs.first), n_contents, n_contents), dtype=np.int32)
        self.observables: list[Observable] = []
        site = supercell.site_of_basis
        low = np.minimum(site[pairs.first], site[pairs.second])
        high = np.maximum(site[pairs.first], site[pairs.second])
        for s, t in sorted(set(zip(low.tolist(), high.tolist(), strict=True))):
            both = np.flatnonzero((low == s) & (high == t))
            for rows in _shells(both, pairs.distance):
                distance = float(pairs.distance[rows].mean())
                self._add(supercell, apportionment, limits, rows, site[pairs.first[rows]], (s, t), distance)
        self.expected = np.array([o.random_alloy for o in self.observables])
        self.weight = 1.0 / np.array([max(o.pairs, 1) for o in self.observables])

    def _add(
        self,
        supercell: Supercell,
        apportionment: Apportionment,
        limits: np.ndarray,
        rows: np.ndarray,
        first_site: np.ndarray,
        sites: tuple[int, int],
        distance: float,
    ) -> None:
        """One observable per pair of species that the two sites can hold."""
        names = (supercell.crystal.sites[sites[0]].label, supercell.crystal.sites[sites[1]].label)
        n_pairs = len(rows) * supercell.n_cells // 2
        x, y = (apportionment.realised[name] for name in names)
        same = sites[0] == sites[1]
        for p in (p for p in x if x[p]):
            for q in (q for q in y if y[q]):
                i, j = apportionment.species.index(p) + 1, apportionment.species.index(q) + 1
                if (same and i > j) or distance < limits[i, j]:
                    continue
                # a pair of unlike species on one site can lie either way round
                probability = x[p] * y[q] * (2 if same and i != j else 1)
                self.observables.append(Observable(names, (p, q), distance, n_pairs, n_pairs * probability))
                number = len(self.observables)
                ahead = rows[first_site == sites[0]]
                back = rows if same else rows[first_site == sites[1]]
                self.observable[ahead, i, j] = number
                self.observable[back, j, i] = number

    def counts(self, content: np.ndarray) -> np.ndarray:
        """(observables,) number of pairs of each kind."""
        first = np.repeat(np.arange(len(content)), np.diff(self.start))
        kinds = self.observable[self.pair, content[first], content[self.neighbour]]
        return np.bincount(kinds, minlength=len(self.observables) + 1)[1:] / 2

    def mismatch(self, counts: np.ndarray) -> float:
        return float(((counts - self.expected) ** 2 * self.weight).sum())

    def deviation(self, content: np.ndarray) -> dict[str, float]:
        """How far pair probabilities are from the random alloy's: rms and largest over all kinds of pairs."""
        if not self.observables:
            return {"pair_correlation_rms": 0.0, "pair_correlation_max": 0.0}
        off = (self.counts(content) - self.expected) * self.weight
        return {
            "pair_correlation_rms": round(float(np.sqrt((off**2).mean())), 9),
            "pair_correlation_max": round(float(np.abs(off).max()), 9),
        }

    def refine(self, content: np.ndarray, exclusions: Exclusions, rng: np.random.Generator) -> None:
        """Anneal swaps within each site, in place, towards the random alloy's pair correlations."""
        if not self.observables:
            return
        counts = self.counts(content)
        now = self.mismatch(counts)
        best, best_content = now, content.copy()
        positions = np.concatenate(self.groups)
        sizes = np.array([len(group) for group in self.groups])
        first_of_group = np.cumsum(sizes) - sizes
        group_of = np.repeat(np.arange(len(sizes)), sizes)
        n = len(positions)
        for temperature in np.geomspace(HOTTEST, COLDEST, SWEEPS) / sizes.max():
            first = (rng.random(n) * n).astype(int)
            group = group_of[first]
            second = first_of_group[group] + (rng.random(n) * sizes[group]).astype(int)
            thresholds = -np.log(1.0 - rng.random(n)) * temperature
            for a, b, threshold in zip(positions[first], positions[second], thresholds, strict=True):
                if content[a] == content[b] or (
                    exclusions.possible and not exclusions.swap_allowed(content, a, b)
                ):
                    continue
                change = self._swap(content, a, b)
                trial = self.mismatch(counts + change)
                if trial - now > threshold:
                    content[a], content[b] = content[b], content[a]
                    continue
                counts += change
                now = trial
                if now < best - 1e-12:
                    best, best_content = now, content.copy()
            if best < PERFECT:
                break
        content[:] = best_content

    def _swap(self, content: np.ndarray, a: int, b: int) -> np.ndarray:
        """Exchange two contents; the change of the counts."""
        change = np.zeros(len(self.observables) + 1)
        for position, new in ((a, content[b]), (b, content[a])):
            row = slice(self.start[position], self.start[position + 1])
            neighbours, pair = self.neighbour[row], self.pair[row]
            # both directions of a pair change with one end; a periodic image of itself is counted twice already
            share = np.where(neighbours == position, 0.5, 1.0)
            old = content[position]
            before = self.observable[pair, old, content[neighbours]]
            content[position] = new
            after = self.observable[pair, new, content[neighbours]]
            size = len(change)
            change += np.bincount(after, share, size) - np.bincount(before, share, size)
        return change[1:]


def _shells(rows: np.ndarray, distances: np.ndarray) -> list[np.ndarray]:
    """Rows grouped by distance: sorted distances start a new shell where they jump."""
    rows = rows[np.argsort(distances[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(distances[rows]) > SAME_SHELL_A) + 1)
